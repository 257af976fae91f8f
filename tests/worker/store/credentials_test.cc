#include "worker/store/credentials.h"

#include <gtest/gtest.h>

#include "tests/support/temp_folder.h"
#include "tests/worker/store/fake_clock.h"
#include "tests/worker/store/fake_environment.h"
#include "tests/worker/store/http_listener.h"
#include "worker/store/encoding.h"
#include "worker/wire/fault.h"

namespace ocellus::store {
namespace {

class CredentialsTest : public testing::Test {
 protected:
  void SetUp() override {
    // Nothing of the machine that runs the test.
    variables_ = {{"HOME", folder_.path()}, {"AWS_EC2_METADATA_DISABLED", "true"}};
  }

  std::string File(const std::string& name, const std::string& text) {
    return folder_.Write(name, text);
  }
  CredentialChain Chain() {
    const Environment environment = FakeEnvironment(variables_);
    return CredentialChain(
        UsualSources(environment, LoadProfile(environment), "us-east-1", &http_, &clock_), &clock_);
  }
  // The message and hint of the fault.
  std::string WhyNot() {
    try {
      Chain().Get();
      return "no fault";
    } catch (const wire::Fault& fault) {
      EXPECT_EQ(fault.outcome(), "NO_CREDENTIALS");
      return std::string(fault.what()) + " | " + fault.hint();
    }
  }

  const TempFolder folder_;
  std::map<std::string, std::string> variables_;
  FakeClock clock_;
  HttpPool http_;
};

std::string Json(const std::string& access, const std::string& expires) {
  return "{\"AccessKeyId\":\"" + access + "\",\"SecretAccessKey\":\"s\",\"Token\":\"t\"," +
         "\"Expiration\":\"" + expires + "\"}";
}

TEST_F(CredentialsTest, TheEnvironmentIsFirst) {
  File(".aws/credentials", "[default]\naws_access_key_id=F\naws_secret_access_key=F\n");
  variables_["AWS_ACCESS_KEY_ID"] = "E";
  EXPECT_NE(WhyNot().find("one of access key and secret key is missing"), std::string::npos);
  variables_["AWS_SECRET_ACCESS_KEY"] = "ES";
  variables_["AWS_SESSION_TOKEN"] = "ET";
  const Credentials found = Chain().Get();
  EXPECT_EQ(found.access_key + found.secret_key + found.session_token, "EESET");
  EXPECT_EQ(found.source, "the environment");
}

TEST_F(CredentialsTest, ProfilesOfBothFiles) {
  File(".aws/credentials",
       "# keys\n[default]\naws_access_key_id = D\naws_secret_access_key = DS\n"
       "[team]\naws_access_key_id=T\naws_secret_access_key=TS ; mine\naws_session_token=TT\n");
  File(".aws/config",
       "[default]\nregion = eu-north-1\n[profile team]\nregion=eu-west-3\ns3 =\n  region = no\n");
  EXPECT_EQ(Chain().Get().access_key, "D");
  EXPECT_EQ(LoadProfile(FakeEnvironment(variables_))["region"], "eu-north-1");
  variables_["AWS_PROFILE"] = "team";
  EXPECT_EQ(Chain().Get().secret_key, "TS");
  EXPECT_EQ(LoadProfile(FakeEnvironment(variables_))["region"], "eu-west-3");
  variables_["AWS_SHARED_CREDENTIALS_FILE"] =
      File("other", "[team]\naws_access_key_id=O\naws_secret_access_key=OS\n");
  EXPECT_EQ(Chain().Get().access_key, "O");
  variables_["AWS_PROFILE"] = "nobody";
  EXPECT_THROW(Chain(), wire::Fault);
}

TEST_F(CredentialsTest, NoneNamesWhatWasTried) {
  const std::string why = WhyNot();
  EXPECT_NE(why.find("not in the environment, a web identity, the profile"), std::string::npos);
  EXPECT_NE(why.find("AWS_ACCESS_KEY_ID"), std::string::npos);
}

TEST_F(CredentialsTest, AWebIdentityIsExchangedAtSts) {
  std::string seen;
  int status = 200;
  HttpListener sts([&](const SeenRequest& request) {
    seen = request.method + " " + request.target + " " + request.body;
    if (status != 200) {
      return Answer(status,
                    "<ErrorResponse><Error><Code>AccessDenied</Code><Message>Not authorized"
                    "</Message></Error></ErrorResponse>");
    }
    return Answer(200,
                  "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>"
                  "<Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>S</SecretAccessKey>"
                  "<SessionToken>T</SessionToken><Expiration>2030-01-01T00:00:00Z</Expiration>"
                  "</Credentials></AssumeRoleWithWebIdentityResult>"
                  "</AssumeRoleWithWebIdentityResponse>");
  });
  variables_["AWS_ENDPOINT_URL_STS"] = sts.url();
  variables_["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/r";
  variables_["AWS_WEB_IDENTITY_TOKEN_FILE"] = File("token", "jwt.secret\n");
  const Credentials found = Chain().Get();
  EXPECT_EQ(found.access_key + found.secret_key + found.session_token, "AST");
  EXPECT_EQ(found.expires, ParseTime("2030-01-01T00:00:00Z"));
  EXPECT_EQ(seen,
            "POST / Action=AssumeRoleWithWebIdentity&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&"
            "RoleSessionName=ocellus&Version=2011-06-15&WebIdentityToken=jwt.secret");
  status = 403;
  const std::string why = WhyNot();
  EXPECT_NE(why.find("AccessDenied: Not authorized"), std::string::npos) << why;
  EXPECT_EQ(why.find("jwt.secret"), std::string::npos);
  variables_["AWS_WEB_IDENTITY_TOKEN_FILE"] = folder_ / "absent";
  EXPECT_NE(WhyNot().find("cannot read " + folder_ / "absent"), std::string::npos);
}

TEST_F(CredentialsTest, TheContainersServiceGetsItsToken) {
  std::string authorization;
  HttpListener service([&](const SeenRequest& request) {
    authorization = request.headers.at("authorization");
    return Answer(200, Json("C", "2030-01-01T00:00:00Z"));
  });
  variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = service.url() + "/creds";
  variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = File("token", "secret\n");
  EXPECT_EQ(Chain().Get().access_key, "C");
  EXPECT_EQ(authorization, "secret");
  for (const char* url : {"http://example.org/", "http://127.0.0.1.example.org/",
                          "http://169.254.170.2.example.org/", "http://localhost@example.org/"}) {
    variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = url;
    EXPECT_NE(WhyNot().find("neither https nor on this machine"), std::string::npos) << url;
  }
}

TEST_F(CredentialsTest, TheInstancesRoleByVersion2) {
  HttpListener service([&](const SeenRequest& request) {
    if (request.method == "PUT" && request.target == "/latest/api/token") {
      const bool lives = request.headers.contains("x-aws-ec2-metadata-token-ttl-seconds");
      return lives ? Answer(200, "v2") : Answer(400);
    }
    const auto token = request.headers.find("x-aws-ec2-metadata-token");
    if (token == request.headers.end() || token->second != "v2") return Answer(401);
    const std::string path = "/latest/meta-data/iam/security-credentials/";
    if (request.target == path) return Answer(200, "the role\n");
    return request.target == path + "the%20role" ? Answer(200, Json("I", "2030-01-01T00:00:00Z"))
                                                 : Answer(404);
  });
  variables_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = service.url() + "/";
  EXPECT_NE(WhyNot().find("no credentials for S3"), std::string::npos);  // disabled
  variables_.erase("AWS_EC2_METADATA_DISABLED");
  EXPECT_EQ(Chain().Get().access_key, "I");
}

TEST_F(CredentialsTest, TemporaryOnesAreRefreshedInTime) {
  int asked = 0;
  bool away = false;
  const time_t begin = clock_.WallTime();
  const CredentialSource source = [&]() -> std::optional<Credentials> {
    ++asked;
    if (away) throw wire::Fault(wire::FaultClass::kStorage, "NO_CREDENTIALS", "away");
    return Credentials{"A" + std::to_string(asked), "S", "T", clock_.WallTime() + 3'600};
  };
  CredentialChain chain({source}, &clock_);
  EXPECT_EQ(chain.Get().access_key, "A1");
  clock_.SetWallTime(begin + 3'000);
  EXPECT_EQ(chain.Get().access_key, "A1");
  clock_.SetWallTime(begin + 3'400);
  EXPECT_EQ(chain.Get().access_key, "A2");
  // The source is away: the old ones are used on, and it is not asked for each request.
  away = true;
  clock_.SetWallTime(begin + 6'800);
  EXPECT_EQ(chain.Get().access_key, "A2");
  EXPECT_EQ(chain.Get().access_key, "A2");
  EXPECT_EQ(asked, 3);
  clock_.SetWallTime(begin + 7'100);
  EXPECT_THROW(chain.Get(), wire::Fault);
  away = false;
  EXPECT_EQ(chain.Get().access_key, "A5");
  // The server does not take them: once anew, however many threads say so.
  const Credentials refused = chain.Get();
  chain.Forget(refused);
  EXPECT_EQ(chain.Get().access_key, "A6");
  chain.Forget(refused);
  EXPECT_EQ(chain.Get().access_key, "A6");
}

}  // namespace
}  // namespace ocellus::store
