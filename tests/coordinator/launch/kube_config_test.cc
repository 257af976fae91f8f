// Kubeconfigs as kubectl, clouds and people write them.
#include "coordinator/launch/kube_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/temp_folder.h"

namespace ocellus::coordinator {
namespace {

using testing::HasSubstr;

std::string Config(const std::string& cluster, const std::string& user) {
  return "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
         "contexts: [{name: c, context: {cluster: k, user: u, namespace: train}}]\n"
         "clusters: [{name: k, cluster: {" +
         cluster + "}}]\nusers: [{name: u, user: {" + user + "}}]\n";
}

std::string Error(const std::string& cluster, const std::string& user) {
  const auto config = ParseKubeconfig(Config(cluster, user), "/etc/kube/config");
  return config.ok() ? "" : std::string(config.status().message());
}

TEST(KubeConfigTest, TokenAndAuthority) {
  const auto config = ParseKubeconfig(
      Config("server: \"https://k8s:6443/\", certificate-authority: ca.pem", "token: abc"),
      "/etc/kube/config");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->server, "https://k8s:6443");
  EXPECT_EQ(config->name_space, "train");
  EXPECT_EQ(config->authorities.file, "/etc/kube/ca.pem");
  EXPECT_EQ(config->token.text, "abc");
}

TEST(KubeConfigTest, ClientCertificate) {
  const auto config =
      ParseKubeconfig(Config("server: \"https://k\", certificate-authority-data: Y2E=",
                             "client-certificate-data: Y2VydA==, client-key: /keys/k.pem"),
                      "config");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->authorities.text, "ca");
  EXPECT_EQ(config->certificate.text, "cert");
  EXPECT_EQ(config->key.file, "/keys/k.pem");
}

TEST(KubeConfigTest, WhatIsLeftOutIsSaid) {
  const std::string good = "server: \"https://k\"";
  EXPECT_THAT(Error(good, "exec: {command: aws}"), HasSubstr("'exec'"));
  EXPECT_THAT(Error(good, "auth-provider: {name: gcp}"), HasSubstr("'auth-provider'"));
  EXPECT_THAT(Error(good, "username: a, password: b"), HasSubstr("passwords"));
  EXPECT_THAT(Error(good, "client-certificate-data: Y2VydA=="), HasSubstr("needs its key"));
  EXPECT_THAT(Error(good, "client-key-data: \"%%\", client-certificate: x"), HasSubstr("base64"));
  EXPECT_THAT(Error(good + ", insecure-skip-tls-verify: true", ""), HasSubstr("refused"));
  EXPECT_THAT(Error("server: \"http://k8s:8080\"", ""), HasSubstr("not https"));
  EXPECT_EQ(Error("server: \"http://127.0.0.1:8080\"", ""), "");
}

TEST(KubeConfigTest, BrokenFiles) {
  for (const char* text : {"", "[]", "a: [", "current-context: x", "contexts: 7",
                           "contexts: [{name: \"\", context: 3}]"}) {
    EXPECT_FALSE(ParseKubeconfig(text, "config").ok()) << text;
  }
  EXPECT_FALSE(ReadKubeconfig("/nowhere/config").ok());
}

TEST(KubeConfigTest, InACluster) {
  const TempFolder folder;
  folder.Write("namespace", "train\n");
  unsetenv("KUBERNETES_SERVICE_HOST");
  EXPECT_THAT(std::string(InClusterConfig(folder.path()).status().message()),
              HasSubstr("this is no pod"));
  setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
  setenv("KUBERNETES_SERVICE_PORT", "443", 1);
  const auto config = InClusterConfig(folder.path());
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->server, "https://[fd00::1]:443");
  EXPECT_EQ(config->name_space, "train");
  EXPECT_EQ(config->token.file, folder / "token");
}

}  // namespace
}  // namespace ocellus::coordinator
