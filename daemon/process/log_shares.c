/* Whose lines there is room for. See log_shares.h. */
#include "daemon/process/log_shares.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_SECOND UINT64_C(1000000000)
#define LINE          NS_PER_SECOND

/* ---- Levels -------------------------------------------------------------------------------- */

static void fall_by(LogShare *share, uint64_t amount)
{
        uint64_t least = share->waiting * LINE;

        share->level = share->level > least + amount ? share->level - amount : least;
}

static bool is_over(const LogShare *share)
{
        return share->level == 0 && share->left_out == 0;
}

static void fall(LogShares *shares, uint64_t now_ns)
{
        uint64_t amount = (now_ns - shares->fallen_ns) * LOG_LINES_PER_SECOND;
        uint64_t sharers = shares->count + (shares->others.level > 0);
        size_t i = 0;

        if (amount == 0)
                return;
        shares->fallen_ns = now_ns;
        fall_by(&shares->daemon, amount);
        if (sharers == 0)
                return;
        fall_by(&shares->others, amount / sharers);
        while (i < shares->count) {
                fall_by(&shares->users[i], amount / sharers);
                if (is_over(&shares->users[i]))
                        shares->users[i] = shares->users[--shares->count];
                else
                        i++;
        }
}

/* Of all users. */
static uint64_t sum(const LogShares *shares)
{
        uint64_t level = shares->others.level;

        for (size_t i = 0; i < shares->count; i++)
                level += shares->users[i].level;
        return level;
}

static LogShare *find(LogShares *shares, int64_t owner)
{
        if (owner == LOG_OWNER_DAEMON)
                return &shares->daemon;
        for (size_t i = 0; i < shares->count; i++) {
                if (shares->users[i].owner == owner)
                        return &shares->users[i];
        }
        return &shares->others;
}

static LogShare *find_or_add(LogShares *shares, int64_t owner)
{
        LogShare *share = find(shares, owner);

        if (share != &shares->others || shares->count == LOG_SHARES_USERS_MAX)
                return share;
        share = &shares->users[shares->count++];
        *share = (LogShare){.owner = owner};
        return share;
}

static bool has_room(const LogShares *shares, const LogShare *share)
{
        if (share == &shares->daemon)
                return share->level + LINE <= LOG_DAEMON_LINES_MAX * LINE;
        return share->level + LINE <= LOG_USERS_LINES_MAX * LINE - sum(shares);
}

bool log_shares_take(LogShares *shares, int64_t owner, uint64_t now_ns, int64_t *charged)
{
        LogShare *share;

        fall(shares, now_ns);
        share = find_or_add(shares, owner);
        if (has_room(shares, share)) {
                share->level += LINE;
                share->waiting++;
                *charged = share->owner;
                return true;
        }
        if (!log_shares_left_out(shares))
                shares->left_out_ns = now_ns;
        share->left_out++;
        return false;
}

void log_shares_written(LogShares *shares, int64_t charged)
{
        find(shares, charged)->waiting--;
}

/* ---- What was left out --------------------------------------------------------------------- */

bool log_shares_left_out(const LogShares *shares)
{
        if (shares->daemon.left_out > 0 || shares->others.left_out > 0)
                return true;
        for (size_t i = 0; i < shares->count; i++) {
                if (shares->users[i].left_out > 0)
                        return true;
        }
        return false;
}

static LogShare *find_most_left_out(LogShares *shares)
{
        LogShare *most = &shares->users[0];

        for (size_t i = 1; i < shares->count; i++) {
                if (shares->users[i].left_out > most->left_out)
                        most = &shares->users[i];
        }
        return shares->count > 0 && most->left_out > 0 ? most : NULL;
}

/* Those who had most, and how many were of others. */
static void append_users(LogShares *shares, uint64_t users, char *out, size_t size)
{
        const char *before = ":";
        LogShare *share;
        size_t n = strlen(out);

        for (int i = 0; i < LOG_SHARES_NAMED_MAX && (share = find_most_left_out(shares)); i++) {
                n += (size_t)snprintf(out + n, size - n, "%s %u of user %lld", before,
                                      share->left_out, (long long)share->owner);
                users -= share->left_out;
                share->left_out = 0;
                before = ",";
        }
        if (users > 0)
                n += (size_t)snprintf(out + n, size - n, "%s %llu of other users", before,
                                      (unsigned long long)users);
        if (shares->daemon.left_out > 0)
                snprintf(out + n, size - n, "%s %u of the daemon's own", before,
                         shares->daemon.left_out);
}

bool log_shares_say(LogShares *shares, uint64_t now_ns, char *out, size_t size)
{
        uint64_t users = shares->others.left_out;

        if (!log_shares_left_out(shares) || now_ns - shares->left_out_ns < NS_PER_SECOND)
                return false;
        for (size_t i = 0; i < shares->count; i++)
                users += shares->users[i].left_out;
        snprintf(out, size, "%" PRIu64 " lines were left out of the log",
                 users + shares->daemon.left_out);
        if (users > 0)
                append_users(shares, users, out, size);
        shares->daemon.left_out = shares->others.left_out = 0;
        for (size_t i = 0; i < shares->count; i++)
                shares->users[i].left_out = 0;
        return true;
}
