#include "net/fast_gcm.h"

namespace sluice::net {

const char* fast_gcm_query() { return nullptr; }

}  // namespace sluice::net
