/* Answers in a packet. See answer_packet.h. */
#include "daemon/session/answer_packet.h"

#include "core/error.h"
#include "daemon/process/log.h"
#include "daemon/session/session_source.h"
#include "daemon/session/session_tell.h"
#include "daemon/session/sessions.h"

#include <stdio.h>

/* One of them, as it is sent. */
typedef struct Entry {
        const Answer *answer;
        bool registered;
        Iod__Answer message;
        Iod__RefusedSource source;
        Iod__RefusedSource *sources[1];
        union {
                Iod__Refused refused;
                Iod__Opened opened;
                Iod__Held held;
                Iod__Done done;
        } body;
} Entry;

typedef struct AnswerPacket {
        size_t count;
        uint32_t n_fds;
        Iod__Answer *messages[FRAME_PACKET_ANSWERS_MAX];
        Entry entries[FRAME_PACKET_ANSWERS_MAX];
        int fds[FRAME_ANSWERS_DESCRIPTORS_MAX]; /* borrowed */
} AnswerPacket;

/* ---- Which of them ------------------------------------------------------------------------- */

static uint32_t descriptors_of(const Answer *answer)
{
        if (answer->body != IOD__FRAME__BODY_OPENED && answer->body != IOD__FRAME__BODY_HELD)
                return 0;
        return answer->note_fd >= 0 ? 2 : 1;
}

static bool is_frame(const Answer *answer)
{
        return answer->body == IOD__FRAME__BODY__NOT_SET;
}

/* How many of the first there are with at most so many descriptors; *n_fds: how many they have. */
static size_t count_first(const Session *session, uint32_t fds_max, uint32_t *n_fds)
{
        const size_t max = session->takes_answers ? FRAME_PACKET_ANSWERS_MAX : 1;
        const Answer *answer;
        size_t count = 0;

        *n_fds = 0;
        TAILQ_FOREACH(answer, &session->delivery.answers, link)
        {
                if (count == max || *n_fds + descriptors_of(answer) > fds_max)
                        break;
                if (is_frame(answer))
                        return count > 0 ? count : 1;
                *n_fds += descriptors_of(answer);
                count++;
        }
        return count;
}

/* How many go now; 0: none. */
static size_t choose(Session *session)
{
        const Answer *first = TAILQ_FIRST(&session->delivery.answers);
        uint32_t n_fds;
        size_t count = count_first(session, FRAME_ANSWERS_DESCRIPTORS_MAX, &n_fds);

        if (n_fds == 0)
                return count;
        if (delivery_has_unread(session))
                return count_first(session, 0, &n_fds);
        if (delivery_has_room(session, n_fds))
                return count;
        count = count_first(session, descriptors_of(first), &n_fds);
        return n_fds == 0 || delivery_has_room(session, n_fds) ? count : 0;
}

/* ---- What is said of each ------------------------------------------------------------------ */

static void say_refused(Entry *entry)
{
        const Answer *answer = entry->answer;
        Iod__Refused *refused = &entry->body.refused;

        *refused = (Iod__Refused)IOD__REFUSED__INIT;
        if (answer->source != 0) {
                entry->source = (Iod__RefusedSource)IOD__REFUSED_SOURCE__INIT;
                entry->source.id = io_id_unpack(answer->source);
                entry->source.error = answer->error;
                entry->source.text = (char *)answer->text;
                entry->sources[0] = &entry->source;
                refused->n_source = 1;
                refused->source = entry->sources;
        } else {
                refused->error = answer->error;
                refused->text = (char *)answer->text;
        }
        entry->message.body_case = IOD__ANSWER__BODY_REFUSED;
        entry->message.refused = refused;
}

static void say_opened(Entry *entry)
{
        Iod__Opened *opened = &entry->body.opened;

        *opened = (Iod__Opened)IOD__OPENED__INIT;
        opened->id = entry->registered ? io_id_unpack(entry->answer->source) : 0;
        opened->address = (char *)entry->answer->text;
        entry->message.body_case = IOD__ANSWER__BODY_OPENED;
        entry->message.opened = opened;
}

static void say_held(Entry *entry)
{
        Iod__Held *held = &entry->body.held;

        *held = (Iod__Held)IOD__HELD__INIT;
        held->name = (char *)entry->answer->text;
        held->note_size = entry->answer->note_size;
        held->held_ms = entry->answer->held_ms;
        entry->message.body_case = IOD__ANSWER__BODY_HELD;
        entry->message.held = held;
}

static void say_done(Entry *entry)
{
        entry->body.done = (Iod__Done)IOD__DONE__INIT;
        entry->message.body_case = IOD__ANSWER__BODY_DONE;
        entry->message.done = &entry->body.done;
}

/* Whether it comes registered. */
static bool is_to_register(const Session *session, const Answer *answer)
{
        return answer->body == IOD__FRAME__BODY_OPENED && answer->source != 0 &&
               !session->is_direct;
}

/* What was opened is registered, or refused for good. */
static void register_opened(Session *session, Answer *answer, Entry *entry)
{
        int r = session_add_io_source(session, answer->fd, answer->source);

        entry->registered = r == 0;
        if (r == 0)
                return;
        answer->body = IOD__FRAME__BODY_REFUSED;
        answer->source = 0;
        answer->error = -r;
        answer->why = NOT_DONE_REFUSED;
        snprintf(answer->text, FRAME_TEXT_MAX, "%s", error_text());
}

static void packet_add(AnswerPacket *packet, Session *session, Answer *answer)
{
        Entry *entry = &packet->entries[packet->count];

        packet->messages[packet->count++] = &entry->message;
        entry->answer = answer;
        entry->registered = false;
        entry->message = (Iod__Answer)IOD__ANSWER__INIT;
        entry->message.sequence = answer->sequence;
        if (is_to_register(session, answer))
                register_opened(session, answer, entry);
        switch (answer->body) {
        case IOD__FRAME__BODY_OPENED:
                say_opened(entry);
                break;
        case IOD__FRAME__BODY_HELD:
                say_held(entry);
                break;
        case IOD__FRAME__BODY_REFUSED:
                say_refused(entry);
                break;
        default:
                say_done(entry);
        }
        if (descriptors_of(answer) > 0)
                packet->fds[packet->n_fds++] = answer->fd;
        if (descriptors_of(answer) > 1)
                packet->fds[packet->n_fds++] = answer->note_fd;
}

static void packet_fill(AnswerPacket *packet, Session *session, size_t count)
{
        Answer *answer = TAILQ_FIRST(&session->delivery.answers);
        bool registers = false;

        packet->count = packet->n_fds = 0;
        for (; packet->count < count; answer = TAILQ_NEXT(answer, link)) {
                registers |= is_to_register(session, answer);
                packet_add(packet, session, answer);
        }
        if (!registers)
                return;
        io_driver_end_batch(session->sessions->driver);
        session_settle_registrations(session);
}

/* ---- Sending it ---------------------------------------------------------------------------- */

/* The same as a frame of its own. */
static void frame_one(Iod__Frame *frame, const Iod__Answer *message)
{
        frame->sequence = message->sequence;
        frame->body_case = (Iod__Frame__BodyCase)message->body_case;
        switch (message->body_case) {
        case IOD__ANSWER__BODY_OPENED:
                frame->opened = message->opened;
                break;
        case IOD__ANSWER__BODY_HELD:
                frame->held = message->held;
                break;
        case IOD__ANSWER__BODY_REFUSED:
                frame->refused = message->refused;
                break;
        default:
                frame->done = message->done;
        }
}

static int packet_send(AnswerPacket *packet, Session *session)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Answers answers = IOD__ANSWERS__INIT;

        if (packet->count == 1) {
                frame_one(&frame, packet->messages[0]);
        } else {
                answers.n_answer = packet->count;
                answers.answer = packet->messages;
                frame.body_case = IOD__FRAME__BODY_ANSWERS;
                frame.answers = &answers;
        }
        return delivery_send_descriptors(session, &frame, packet->fds, packet->n_fds);
}

static void packet_take_back(const AnswerPacket *packet, Session *session)
{
        for (size_t i = 0; i < packet->count; i++) {
                const Answer *answer = packet->entries[i].answer;

                if (packet->entries[i].registered)
                        session_withdraw_io_source(session, answer->fd,
                                                   io_id_unpack(answer->source));
        }
}

static void note_refusal(Session *session, const Answer *answer)
{
        const Asked asked = {.request = answer->asked};

        not_done_note(session, answer->why, 1, answer->error, answer->text);
        if (answer->why != NOT_DONE_CANCELLED)
                session_tell_refused(session, &asked, answer->source != 0, answer->error,
                                     answer->text);
        log_session(log_refusal_level((int)answer->error), &session->peer, "refused: %s",
                    answer->text);
}

/* The first ones, so many. */
static int send_first(Session *session, size_t count)
{
        const Answer *first = TAILQ_FIRST(&session->delivery.answers);
        const AnswerFrame *frame = (const AnswerFrame *)first;
        AnswerPacket packet;
        int r;

        if (is_frame(first))
                return notifier_send_encoded(&session->notifier, frame->bytes, frame->size);
        packet_fill(&packet, session, count);
        r = packet_send(&packet, session);
        if (r != 0)
                packet_take_back(&packet, session);
        return r;
}

int answer_packet_send(Session *session)
{
        Delivery *delivery = &session->delivery;
        size_t count = choose(session);
        int r;

        if (count == 0)
                return NOTIFIER_WAITING;
        r = send_first(session, count);
        if (r != 0)
                return r;
        while (count-- > 0) {
                Answer *answer = TAILQ_FIRST(&delivery->answers);

                if (answer->body == IOD__FRAME__BODY_REFUSED)
                        note_refusal(session, answer);
                TAILQ_REMOVE(&delivery->answers, answer, link);
                delivery->count--;
                delivery->sent++;
                answer_free(session, answer);
        }
        return 0;
}
