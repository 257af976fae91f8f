#include "coordinator/state/sqlite.h"

#include <sqlite3.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/error.h"
#include "coordinator/base/status_macros.h"

namespace ocellus::coordinator {
namespace {

constexpr int kBusyTimeoutMs = 5000;

absl::Status StatusOf(sqlite3* db, int code) {
  const std::string text = db == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(db);
  switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
      return absl::OkStatus();
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_BUSY:
    case SQLITE_NOMEM:
      return StoreUnavailable(absl::StrCat("the coordinator cannot write its store (", text,
                                           "); nothing was changed. Free space in its data folder "
                                           "and try again"));
    case SQLITE_CONSTRAINT:
      return absl::AlreadyExistsError(text);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError(absl::StrCat("the coordinator's store is damaged: ", text));
    default:
      return absl::InternalError(absl::StrCat("store: ", text));
  }
}

}  // namespace

Statement::Statement(sqlite3* db, sqlite3_stmt* statement, absl::Status status)
    : db_(db), statement_(statement), status_(std::move(status)) {}

Statement::Statement(Statement&& other) noexcept
    : db_(other.db_),
      statement_(std::exchange(other.statement_, nullptr)),
      status_(std::move(other.status_)),
      bound_(other.bound_) {}

Statement::~Statement() {
  if (statement_ != nullptr) {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
}

void Statement::Bind(int64_t value) { sqlite3_bind_int64(statement_, ++bound_, value); }

void Statement::Bind(double value) { sqlite3_bind_double(statement_, ++bound_, value); }

void Statement::Bind(const std::string& value) {
  sqlite3_bind_text64(statement_, ++bound_, value.data(), value.size(), SQLITE_TRANSIENT,
                      SQLITE_UTF8);
}

void Statement::Bind(const Blob& value) {
  sqlite3_bind_blob64(statement_, ++bound_, value.bytes.data(), value.bytes.size(),
                      SQLITE_TRANSIENT);
}

void Statement::Bind(absl::Time value) {
  Bind(value == absl::InfinitePast() ? int64_t{0} : absl::ToUnixMicros(value));
}

bool Statement::Next() {
  if (!status_.ok()) {
    return false;
  }
  const int code = sqlite3_step(statement_);
  status_ = StatusOf(db_, code);
  return code == SQLITE_ROW;
}

int64_t Statement::Int(int column) const { return sqlite3_column_int64(statement_, column); }

double Statement::Real(int column) const { return sqlite3_column_double(statement_, column); }

std::string Statement::Text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), size);
}

absl::Time Statement::Time(int column) const {
  const int64_t micros = Int(column);
  return micros == 0 ? absl::InfinitePast() : absl::FromUnixMicros(micros);
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& path) {
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(
      path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Database> database(new Database(db));
  OCELLUS_RETURN_IF_ERROR(StatusOf(db, code));
  sqlite3_busy_timeout(db, kBusyTimeoutMs);
  OCELLUS_RETURN_IF_ERROR(database->Script(
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"));
  return database;
}

Database::~Database() {
  for (const auto& [sql, statement] : prepared_) {
    sqlite3_finalize(statement);
  }
  sqlite3_close(db_);
}

Statement Database::Prepare(const char* sql) {
  sqlite3_stmt*& statement = prepared_[sql];
  if (statement != nullptr && sqlite3_stmt_busy(statement) == 0) {
    return Statement(db_, statement, absl::OkStatus());
  }
  if (statement != nullptr) {
    return Statement(db_, nullptr, absl::InternalError(absl::StrCat("nested use of: ", sql)));
  }
  const int code = sqlite3_prepare_v2(db_, sql, -1, &statement, nullptr);
  return Statement(db_, statement, StatusOf(db_, code));
}

absl::Status Database::Script(const std::string& sql) {
  return StatusOf(db_, sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr));
}

int64_t Database::Changes() const { return sqlite3_changes64(db_); }

int64_t Database::LastInsertId() const { return sqlite3_last_insert_rowid(db_); }

}  // namespace ocellus::coordinator
