/*
 * Who may what is as kyron-iod-protocol(7) has it: every cell of its table under AUTHORISATION is
 * tried against a daemon, by the user of its column. What is in no row the daemon takes for no
 * request. Needs root, to be those users.
 */
#include "core/cleanup.h"
#include "tests/integration/authorisation_requests.h"
#include "tests/support/authorisation_scene.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
        ROWS_MAX = 100,
        LABEL_MAX = 80,
        WORD_MAX = 16,
};

/* ---- the page ------------------------------------------------------------------------------ */

typedef struct Row {
        char label[LABEL_MAX];
        char words[ASKER_COUNT][WORD_MAX];
        int n_words;
} Row;

static Row rows[ROWS_MAX];
static int n_rows;

/* check cannot report anything yet. */
static void give_up(const char *what)
{
        fprintf(stderr, "the table under AUTHORISATION: %s\n", what);
        exit(1);
}

/* A line of the table without its mark and its end. */
static void copy_cell(char *out, size_t size, const char *line)
{
        size_t n = strcspn(line + 3, "\n");

        if (n >= size)
                give_up(line);
        memcpy(out, line + 3, n);
        out[n] = '\0';
}

static void read_line(const char *line)
{
        if (strncmp(line, "|  ", 3) == 0) {
                if (n_rows == ROWS_MAX)
                        give_up("too many rows");
                copy_cell(rows[n_rows++].label, LABEL_MAX, line);
        } else if (strncmp(line, ":  ", 3) == 0) {
                Row *row = &rows[n_rows - 1];

                if (n_rows == 0 || row->n_words == ASKER_COUNT)
                        give_up("too many columns");
                copy_cell(row->words[row->n_words++], WORD_MAX, line);
        }
}

static void read_page(void)
{
        CLEANUP(cleanup_fclose) FILE *page = NULL;
        const char *source_directory = getenv("KYRON_SOURCE_DIR");
        char path[4096], line[256];
        bool inside = false;

        snprintf(path, sizeof(path), "%s/man/kyron-iod-protocol.7.scd",
                 source_directory ? source_directory : ".");
        page = fopen(path, "re");
        if (!page)
                give_up("the page cannot be read");
        while (fgets(line, sizeof(line), page)) {
                if (line[0] == '#')
                        inside = strcmp(line, "# AUTHORISATION\n") == 0;
                else if (inside)
                        read_line(line);
        }
}

/* ---- the daemon ---------------------------------------------------------------------------- */

static const char *const columns[ASKER_COUNT] = {
        [ASKER_OWNER] = "the owner",
        [ASKER_ANOTHER] = "another user",
        [ASKER_ADMIN] = "one of the admin group",
        [ASKER_ROOT] = "root",
};

static const char *word_of(int outcome)
{
        switch (outcome) {
        case 0:
                return "yes";
        case AUTHORISATION_OWN:
                return "own";
        case AUTHORISATION_ALL:
                return "all";
        case AUTHORISATION_NOTHING:
                return "no";
        case EACCES:
                return "EACCES";
        case ENOENT:
                return "ENOENT";
        case ESTALE:
                return "ESTALE";
        default:
                return strerror(outcome);
        }
}

START_TEST(every_user_may_what_the_page_says)
{
        const Row *row = &rows[_i / ASKER_COUNT];
        Asker asker = (Asker)(_i % ASKER_COUNT);
        int request = authorisation_request_find(row->label);
        const char *word;

        ck_assert_int_ge(request, 0);
        if (geteuid() != 0)
                SKIP_TEST("only root can be several users");
        authorisation_scene_open(asker);
        word = word_of(authorisation_request_try(request));
        ck_assert_msg(strcmp(word, row->words[asker]) == 0, "%s, by %s: %s, and the page says %s",
                      row->label, columns[asker], word, row->words[asker]);
        authorisation_scene_close();
}
END_TEST

START_TEST(the_page_has_every_row_once)
{
        ck_assert_int_eq(n_rows, authorisation_request_count());
        for (int i = 0; i < n_rows; i++) {
                ck_assert_msg(authorisation_request_find(rows[i].label) >= 0,
                              "the page has \"%s\", which is not tried", rows[i].label);
                ck_assert_int_eq(rows[i].n_words, ASKER_COUNT);
                for (int j = 0; j < i; j++)
                        ck_assert_str_ne(rows[i].label, rows[j].label);
        }
}
END_TEST

/* ---- what is in no row --------------------------------------------------------------------- */

/* Whether a row is about that message: its label begins with the name. */
static bool has_row(const char *message)
{
        size_t length = strlen(message);

        for (int i = 0; i < n_rows; i++) {
                if (strncmp(rows[i].label, message, length) == 0 &&
                    strchr(" ,", rows[i].label[length]))
                        return true;
        }
        return false;
}

START_TEST(what_is_in_no_row_is_no_request)
{
        const ProtobufCFieldDescriptor *field = &iod__frame__descriptor.fields[_i];
        const ProtobufCMessageDescriptor *type = field->descriptor;
        CLEANUP(cleanup_free) ProtobufCMessage *body = NULL;
        Iod__Frame frame = IOD__FRAME__INIT;

        if (field->type != PROTOBUF_C_TYPE_MESSAGE || has_row(type->short_name))
                return;
        if (geteuid() != 0)
                SKIP_TEST("only root can set the scene");
        body = calloc(1, type->sizeof_message);
        ck_assert_ptr_nonnull(body);
        protobuf_c_message_init(type, body);
        frame.body_case = (Iod__Frame__BodyCase)field->id;
        memcpy((char *)&frame + field->offset, &body, sizeof(body));
        authorisation_scene_open(ASKER_ROOT);
        ck_assert_msg(authorisation_tell(&frame, NULL, 0) == EOPNOTSUPP,
                      "%s is a request, and the page does not say who may", type->short_name);
        authorisation_scene_close();
}
END_TEST

TEST_SUITE(test_authorisation_matrix)
{
        TCase *matrix = tcase_create("matrix");

        read_page(); /* there are as many tests as cells */
        tcase_set_timeout(matrix, TEST_TIMEOUT_SECONDS);
        tcase_add_test(matrix, the_page_has_every_row_once);
        tcase_add_loop_test(matrix, every_user_may_what_the_page_says, 0, n_rows * ASKER_COUNT);
        tcase_add_loop_test(matrix, what_is_in_no_row_is_no_request, 0,
                            (int)iod__frame__descriptor.n_fields);
        suite_add_tcase(suite, matrix);
}
