/* What several cases need. See torture.h. */
#include "tests/torture/torture.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
        READY_MS = 20000,
        LAST_LINE_MS = 30000,
};

void result_break(Result *result, const char *format, ...)
{
        va_list args;

        if (*result->broken)
                return;
        va_start(args, format);
        vsnprintf(result->broken, sizeof(result->broken), format, args);
        va_end(args);
}

void result_say(Result *result, const char *format, ...)
{
        size_t used = strlen(result->measured);
        va_list args;

        va_start(args, format);
        vsnprintf(result->measured + used, sizeof(result->measured) - used, format, args);
        va_end(args);
}

bool torture_start_attack(const World *world, const TortureCase *case_, uint64_t count,
                          Process *attack, Result *result)
{
        char user[16], number[24];
        const char *words[10] = {
                world_program(world, "tests/torture/attack"),
                case_->attack,
                "--socket",
                world->socket_path,
        };
        int n = 4;

        if (world->attacker != (uid_t)-1) {
                snprintf(user, sizeof(user), "%u", (unsigned)world->attacker);
                words[n++] = "--user";
                words[n++] = user;
        }
        if (count > 0) {
                snprintf(number, sizeof(number), "%" PRIu64, count);
                words[n++] = "--count";
                words[n++] = number;
        }
        process_start(attack, words, (uid_t)-1, world->log_path);
        if (process_is_ready(attack, READY_MS))
                return true;
        if (process_stop(attack, LAST_LINE_MS) == PROCESS_CANNOT) {
                result->skipped = true;
                result_say(result, "not here: without the right to mount a file system");
        } else {
                result_break(result, "the attack did not get going; see %s", world->log_path);
        }
        return false;
}

void torture_start_client(const World *world, const HealthyClient *how, Process *client)
{
        char connections[16], rate[16], moves_ms[16];
        const char *words[12] = {
                world_program(world, "tests/torture/healthy_client"),
                "--tcp",
                world->echo_address[how->waits],
                "--connections",
                connections,
                "--rate",
                rate,
                "--moves",
                moves_ms,
        };
        int n = 9;

        snprintf(connections, sizeof(connections), "%u", how->connections);
        snprintf(rate, sizeof(rate), "%u", how->rate);
        snprintf(moves_ms, sizeof(moves_ms), "%u", how->moves_ms);
        if (how->rests)
                words[n++] = "--rests";
        if (how->waits == WAITS_IN_PROCESS)
                words[n++] = "--in-process";
        /* One that moves begins at the daemon's. */
        world_start_process(world, how->moves_ms > 0 ? WAITS_RELAYED : how->waits, words, client);
        if (!process_is_ready(client, READY_MS))
                torture_fail("a healthy client does not get in; see %s", world->log_path);
}

json_t *torture_end_client(Process *client, Result *result)
{
        json_t *last;
        json_int_t failed, lost;

        kill(client->pid, SIGTERM);
        last = process_read_json(client, LAST_LINE_MS);
        failed = json_integer_value(json_object_get(last, "failed"));
        lost = json_integer_value(json_object_get(last, "lost"));
        if (!last)
                result_break(result, "a healthy client has ended early");
        else if (failed > 0 || lost > 0)
                result_break(result,
                             "%" JSON_INTEGER_FORMAT " round trips failed, %" JSON_INTEGER_FORMAT
                             " were lost",
                             failed, lost);
        process_wait(client, LAST_LINE_MS);
        return last;
}

void torture_end_world(World *world, Result *result)
{
        const char *wrong = world_stop(world);

        if (wrong)
                result_break(result, "%s", wrong);
}

void torture_check_baseline(const World *world, const Baseline *before, size_t kept_kib,
                            Result *result)
{
        Baseline now = world_settle(world, before);

        if (!now.is_alive)
                result_break(result, "the daemon has ended");
        else if (!world_is_settled(&now, before))
                result_break(result, "left behind: %zd descriptors, %" PRId64 " sessions",
                             (ssize_t)(now.descriptors - before->descriptors),
                             (int64_t)(now.sessions - before->sessions));
        else if (now.memory_kib > before->memory_kib + kept_kib)
                result_break(result, "memory has grown from %zu to %zu KiB", before->memory_kib,
                             now.memory_kib);
        result_say(result, "descriptors %zu → %zu, memory %zu → %zu KiB", before->descriptors,
                   now.descriptors, before->memory_kib, now.memory_kib);
        json_object_update_new(result->figures,
                               json_pack("{s:I, s:I, s:I, s:I}", "descriptors_before",
                                         (json_int_t)before->descriptors, "descriptors_after",
                                         (json_int_t)now.descriptors, "memory_kib_before",
                                         (json_int_t)before->memory_kib, "memory_kib_after",
                                         (json_int_t)now.memory_kib));
}
