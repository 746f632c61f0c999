/* Messages nobody else sends. See load_message.h. */
#include "load_message.h"

#include <string.h>

/* splitmix64: any state is a good one. */
uint64_t load_random(uint64_t *state)
{
        uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

        x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
        return x ^ (x >> 31);
}

static uint64_t state_for(const LoadMessageId *id, uint64_t seed)
{
        uint64_t state = seed;

        state = load_random(&state) ^ id->round_trip;
        state = load_random(&state) ^ ((uint64_t)id->process << 32 | id->connection);
        return state;
}

void load_message_write(uint8_t *message, size_t size, const LoadMessageId *id, uint64_t seed)
{
        uint64_t state = state_for(id, seed);

        memcpy(message, id, sizeof(*id));
        for (size_t at = sizeof(*id); at < size; at += sizeof(state)) {
                uint64_t bytes = load_random(&state);
                size_t rest = size - at;

                memcpy(message + at, &bytes, rest < sizeof(bytes) ? rest : sizeof(bytes));
        }
}

static bool repeats(const uint8_t *reply, size_t size, const LoadMessageId *id, uint64_t seed)
{
        uint64_t state = state_for(id, seed);

        for (size_t at = sizeof(*id); at < size; at += sizeof(state)) {
                uint64_t bytes = load_random(&state);
                size_t rest = size - at;

                if (memcmp(reply + at, &bytes, rest < sizeof(bytes) ? rest : sizeof(bytes)) != 0)
                        return false;
        }
        return true;
}

LoadVerdict load_message_check(const uint8_t *reply, const uint8_t *message, size_t size,
                               const LoadMessageId *id, uint64_t seed)
{
        LoadMessageId claimed;

        if (memcmp(reply, message, size) == 0)
                return LOAD_REPLY_GOOD;
        memcpy(&claimed, reply, sizeof(claimed));
        if (claimed.process == id->process && claimed.connection == id->connection &&
            claimed.round_trip < id->round_trip && repeats(reply, size, &claimed, seed))
                return LOAD_REPLY_LATE;
        return LOAD_REPLY_WRONG;
}
