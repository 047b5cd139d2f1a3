// The tables of the catalog, and how an older catalog becomes this version's.
#pragma once

#include "catalog/session.h"
#include "sluice/error.h"

namespace sluice::catalog {

// The version of the schema that this program writes.
[[nodiscard]] int schema_version() noexcept;

// Brings the catalog up to `schema_version()`, each step in a transaction of its own, and notes
// each in the table `migration`. Fails with `unsupported` where a newer program wrote it.
// Throws soci_error.
[[nodiscard]] result<void> migrate(session& s);

}  // namespace sluice::catalog
