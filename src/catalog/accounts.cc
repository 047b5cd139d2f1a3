#include "catalog/accounts.h"

#include <cstring>

#include "catalog/query.h"

namespace sluice::catalog {

void insert_account(session& s, const account_row& row) {
  query(s,
        "INSERT INTO account (id, name, password, created_s) "
        "VALUES (:id, :name, :password, :created)")
      .in(row.id)
      .in(row.name)
      .in(row.password)
      .in(row.created_s)
      .run();
}

bool remove_account(session& s, const std::string& id) {
  return query(s, "DELETE FROM account WHERE id = :id").in(id).run() != 0;
}

bool set_password(session& s, const std::string& id, const std::string& password) {
  return query(s, "UPDATE account SET password = :password WHERE id = :id")
             .in(password)
             .in(id)
             .run() != 0;
}

std::vector<account_row> all_accounts(session& s) {
  account_row row;
  query q(s, "SELECT id, name, password, created_s FROM account ORDER BY name");
  q.out(row.id).out(row.name).out(row.password).out(row.created_s);
  std::vector<account_row> rows;
  while (q.next()) rows.push_back(row);
  return rows;
}

void put_grant(session& s, const grant_row& row) {
  query(s, "DELETE FROM account_grant WHERE account_id = :id AND path = :path")
      .in(row.account_id)
      .in(row.path)
      .run();
  if (row.rights == 0) return;
  const auto rights = static_cast<std::int64_t>(row.rights);
  query(s, "INSERT INTO account_grant (account_id, path, rights) VALUES (:id, :path, :rights)")
      .in(row.account_id)
      .in(row.path)
      .in(rights)
      .run();
}

std::vector<grant_row> all_grants(session& s) {
  grant_row row;
  std::int64_t rights = 0;
  query q(s, "SELECT account_id, path, rights FROM account_grant ORDER BY account_id, path");
  q.out(row.account_id).out(row.path).out(rights);
  std::vector<grant_row> rows;
  while (q.next()) {
    row.rights = static_cast<std::uint32_t>(rights);
    rows.push_back(row);
  }
  return rows;
}

void insert_token(session& s, const token_row& row) {
  const std::int64_t is_session = row.session ? 1 : 0;
  const auto rights = static_cast<std::int64_t>(row.rights);
  bytes_column digest(s, row.digest);
  number_column expires(row.expires_s);
  query q(s,
          "INSERT INTO access_token (id, account_id, digest, label, session, path, rights, "
          "created_s, expires_s) VALUES (:id, :account, :digest, :label, :session, :path, :rights, "
          ":created, :expires)");
  q.in(row.id).in(row.account_id);
  digest.bind_in(q);
  q.in(row.label).in(is_session).in(row.path).in(rights).in(row.created_s);
  expires.bind_in(q);
  q.run();
}

bool remove_token(session& s, const std::string& id) {
  return query(s, "DELETE FROM access_token WHERE id = :id").in(id).run() != 0;
}

void remove_expired_tokens(session& s, std::int64_t now_s) {
  query(s, "DELETE FROM access_token WHERE expires_s <= :now").in(now_s).run();
}

std::vector<token_row> all_tokens(session& s) {
  token_row row;
  bytes_column digest(s);
  number_column expires;
  std::int64_t is_session = 0;
  std::int64_t rights = 0;
  query q(s,
          "SELECT id, account_id, digest, label, session, path, rights, created_s, expires_s "
          "FROM access_token ORDER BY created_s, id");
  q.out(row.id).out(row.account_id);
  digest.bind_out(q);
  q.out(row.label).out(is_session).out(row.path).out(rights).out(row.created_s);
  expires.bind_out(q);
  std::vector<token_row> rows;
  while (q.next()) {
    const auto bytes = digest.get();
    if (bytes.size() != row.digest.size()) continue;  // unreadable is the same as not there
    std::memcpy(row.digest.data(), bytes.data(), bytes.size());
    row.session = is_session != 0;
    row.rights = static_cast<std::uint32_t>(rights);
    row.expires_s = expires.get();
    rows.push_back(row);
  }
  return rows;
}

}  // namespace sluice::catalog
