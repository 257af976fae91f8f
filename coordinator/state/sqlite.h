// A SQLite connection and its statements, with the disk's trouble as StoreUnavailable: the
// transaction is rolled back, nothing was changed, and the next one may succeed.
//
// A connection belongs to one thread at a time; Store sees to that.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

struct sqlite3;
struct sqlite3_stmt;

namespace ocellus::coordinator {

// Bytes that are no text.
struct Blob {
  std::string bytes;
};

// One run of a statement. Bind in order, then Next until false, then look at status().
class Statement {
 public:
  Statement(sqlite3* db, sqlite3_stmt* statement, absl::Status status);
  ~Statement();
  Statement(Statement&& other) noexcept;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void Bind(int64_t value);
  void Bind(const std::string& value);
  void Bind(const Blob& value);
  void Bind(absl::Time value);  // microseconds since 1970; the infinite past is 0
  void Bind(double value);
  void Bind(int value) { Bind(static_cast<int64_t>(value)); }
  void Bind(const char* value) { Bind(std::string(value)); }

  // Moves to the next row; false at the end and on an error.
  bool Next();
  const absl::Status& status() const { return status_; }

  // Of the current row, columns from 0. NULL reads as 0, empty or the infinite past.
  int64_t Int(int column) const;
  double Real(int column) const;
  std::string Text(int column) const;  // of a BLOB too
  absl::Time Time(int column) const;
  bool IsNull(int column) const;

 private:
  sqlite3* db_;
  sqlite3_stmt* statement_;
  absl::Status status_;
  int bound_ = 0;
};

class Database {
 public:
  // WAL and synchronous=FULL: a commit is on the disk when it returns.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Query("SELECT ... WHERE id = ?", id).
  template <typename... Values>
  Statement Query(const char* sql, const Values&... values) {
    Statement statement = Prepare(sql);
    (statement.Bind(values), ...);
    return statement;
  }

  // A statement without rows.
  template <typename... Values>
  absl::Status Run(const char* sql, const Values&... values) {
    Statement statement = Query(sql, values...);
    statement.Next();
    return statement.status();
  }

  // Several statements separated by semicolons.
  absl::Status Script(const std::string& sql);
  // Rows that the last INSERT, UPDATE or DELETE touched.
  int64_t Changes() const;
  int64_t LastInsertId() const;

 private:
  explicit Database(sqlite3* db) : db_(db) {}
  Statement Prepare(const char* sql);

  sqlite3* db_;
  std::map<std::string, sqlite3_stmt*> prepared_;
};

}  // namespace ocellus::coordinator
