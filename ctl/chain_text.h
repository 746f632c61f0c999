/* Who waits for whom, in sentences and JSON. All text is printable. */
#pragma once

#include "ctl/wait_view.h"
#include "waits/chain.h"

#include <jansson.h>

enum { CHAIN_TEXT_MAX = 1200 };

/* What a link says about its process, with what the next one does; without an end. findings is used
 * for that. */
const char *chain_text_sentence(const WaitView *view, const Chain *chain, size_t link,
                                WaitFindings *findings, char buffer[static CHAIN_TEXT_MAX]);
/* An array with an object for each link; NULL: no memory. */
json_t *chain_text_array(const WaitView *view, const Chain *chain, WaitFindings *findings);
