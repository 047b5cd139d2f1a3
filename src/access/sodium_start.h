// libsodium has to be started before it is used. Internal to the room.
#pragma once

namespace sluice::access {

// Any thread, any number of times. Throws where it does not start.
void need_sodium();

}  // namespace sluice::access
