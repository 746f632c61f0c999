/* What is counted of each program. See programs.h. */
#include "daemon/session/programs.h"

#include <stdio.h>
#include <string.h>

/* What it counted is the others'; it has no sessions. */
static void make_free(Programs *programs, ProgramCounts *place)
{
        programs->others.sessions_total += place->sessions_total;
        programs->others.events += place->events;
        programs->others.frames += place->frames;
        *place = (ProgramCounts){.name = ""};
}

/* The place of that name; or one for it, if the user may have another; or the others'. */
static ProgramCounts *find(Programs *programs, const char *name, uid_t uid)
{
        ProgramCounts *unused = NULL, *idle = NULL, *own_idle = NULL;
        unsigned own = 0;

        for (size_t i = 0; i < PROGRAMS_MAX; i++) {
                ProgramCounts *place = &programs->places[i];

                if (!*place->name) {
                        unused = unused ? unused : place;
                        continue;
                }
                if (strcmp(place->name, name) == 0)
                        return place;
                own += place->uid == uid;
                if (place->sessions > 0)
                        continue;
                idle = idle ? idle : place;
                if (place->uid == uid && !own_idle)
                        own_idle = place;
        }
        if (own >= PROGRAMS_PER_USER_MAX)
                unused = own_idle;
        else if (!unused)
                unused = idle;
        if (!unused)
                return &programs->others;
        make_free(programs, unused);
        snprintf(unused->name, sizeof(unused->name), "%s", name);
        unused->uid = uid;
        return unused;
}

ProgramCounts *programs_join(Programs *programs, const char *name, uid_t uid)
{
        ProgramCounts *program = find(programs, *name ? name : "-", uid);

        program->sessions++;
        program->sessions_total++;
        return program;
}

void programs_leave(ProgramCounts *program, bool was_direct, uint32_t registrations)
{
        program->sessions--;
        program->direct -= was_direct;
        program->registrations -= registrations;
}
