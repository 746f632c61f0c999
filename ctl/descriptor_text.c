/* Descriptors as text. See descriptor_text.h. */
#include "ctl/descriptor_text.h"

#include "ctl/output.h"

#include <stdio.h>
#include <string.h>

const char *descriptor_text_kind(const char *kind)
{
        if (strcmp(kind, "unix-stream") == 0)
                return "u_str";
        if (strcmp(kind, "unix-datagram") == 0)
                return "u_dgr";
        if (strcmp(kind, "unix-seqpacket") == 0)
                return "u_seq";
        return kind;
}

const char *descriptor_text_address(const SocketAddresses *addresses,
                                    char buffer[static DESCRIPTOR_TEXT_MAX])
{
        if (!*addresses->local && !*addresses->peer)
                return strcpy(buffer, "-");
        snprintf(buffer, DESCRIPTOR_TEXT_MAX, "%s%s%s%s", addresses->local,
                 *addresses->peer ? "->" : "", addresses->peer,
                 addresses->listening ? " (listening)" : "");
        return buffer;
}

static json_t *text_or_null(const char *text)
{
        return *text ? json_string(text) : json_null();
}

void descriptor_text_add_addresses(json_t **object, const SocketAddresses *addresses)
{
        output_add(object, "local", text_or_null(addresses->local));
        output_add(object, "peer", text_or_null(addresses->peer));
        output_add(object, "listening", json_boolean(addresses->listening));
}
