#include <filesystem>

#include "tests/worker/store/conformance.h"
#include "tests/worker/store/s3_server.h"

namespace ocellus::store {
namespace {

// The scratch folder's name is the prefix of the store that belongs to it.
StoreCase Case(const std::string& name, S3Server::Kind kind) {
  return {name, [kind](const std::string& scratch) {
            const std::string prefix = std::filesystem::path(scratch).filename().string();
            return OpenWith(S3Server::Get(kind).Uri("suite/" + prefix, "part_mib=5"));
          }};
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(S3, Conformance,
                         testing::Values(Case("Versitygw", S3Server::Kind::kVersitygw),
                                         Case("Minio", S3Server::Kind::kMinio)),
                         testing::PrintToStringParamName());

}  // namespace ocellus::store
