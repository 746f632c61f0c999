/*
 * The rows of the authorisation matrix as requests: each is what the asker of an AuthorisationScene
 * asks for.
 */
#pragma once

/* What may come of a request beside 0, which is that it was done, and an errno. */
enum {
        AUTHORISATION_OWN = -1,     /* a list of the asker's own */
        AUTHORISATION_ALL = -2,     /* of everybody's */
        AUTHORISATION_NOTHING = -3, /* it was passed over, or the list lacks what is the asker's */
};

int authorisation_request_count(void);
/* The request of a row; -1: there is none. */
int authorisation_request_find(const char *label);
/* Asks: 0, a positive errno, or one of the above. */
int authorisation_request_try(int request);
