/* What kyronctl shows of the policies. See inspect.h. */
#include "daemon/requests/inspect.h"

#include "daemon/config/authorise.h"
#include "daemon/daemon.h"

#include <inttypes.h>
#include <stdio.h>

enum {
        /* Lines of one page: with all their texts at their longest they fit in a packet. */
        LINES_PER_PAGE = 48,
        /* Bytes of a text, with its zero; what is longer is cut. */
        LINE_TEXT_MAX = 300,
};

typedef struct PolicyPage {
        Iod__Policies page;
        Iod__PolicyLine lines[LINES_PER_PAGE];
        Iod__PolicyLine *pointers[LINES_PER_PAGE];
        char titles[LINES_PER_PAGE][LINE_TEXT_MAX];
        char values[LINES_PER_PAGE][LINE_TEXT_MAX];
} PolicyPage;

static void add_line(PolicyPage *out, const PolicyLine *line)
{
        const size_t i = out->page.n_line++;
        Iod__PolicyLine *told = &out->lines[i];

        *told = (Iod__PolicyLine)IOD__POLICY_LINE__INIT;
        snprintf(out->titles[i], LINE_TEXT_MAX, "%s", line->policy ? line->policy : "");
        if (line->pattern)
                snprintf(out->values[i], LINE_TEXT_MAX, "%s", line->pattern);
        else
                snprintf(out->values[i], LINE_TEXT_MAX, "%" PRIu32, line->limit);
        told->policy = out->titles[i];
        told->key = (char *)line->key;
        told->value = out->values[i];
        told->unknown = line->unknown;
        out->pointers[i] = told;
}

int inspect_list_policies(Daemon *daemon, Session *viewer, const Iod__Frame *request)
{
        const Policy *policy = daemon->config->policy;
        const PolicySubject oneself = authorise_subject(&viewer->peer);
        Iod__Frame frame = IOD__FRAME__INIT;
        PolicyPage out = {.page = IOD__POLICIES__INIT};
        size_t number = request->list_policies->after;
        PolicyLine line;

        out.page.line = out.pointers;
        out.page.audit = policy_is_audit(policy);
        while ((out.page.more =
                        policy_line(policy, viewer->sees_all ? NULL : &oneself, number, &line)) &&
               out.page.n_line < LINES_PER_PAGE) {
                add_line(&out, &line);
                number++;
        }
        if (out.page.more)
                out.page.next = (uint32_t)number;
        frame.body_case = IOD__FRAME__BODY_POLICIES;
        frame.policies = &out.page;
        return session_reply(viewer, request->sequence, &frame);
}
