/*
 * Addresses and patterns from any text. What was understood is understood the same way again from
 * the text that is printed of it, and a pattern that is an address's text matches that address.
 */
#include "core/address_pattern.h"
#include "tests/fuzz/input.h"

#include <string.h>

enum { TEXT_MAX = 600 };

static void check_address(const char *text)
{
        char printed[ADDRESS_TEXT_MAX], again[ADDRESS_TEXT_MAX];
        Address address, same;

        if (address_parse(text, &address) < 0)
                return;
        address_format(&address, printed);
        FUZZ_REQUIRE(strlen(printed) < ADDRESS_TEXT_MAX);
        FUZZ_REQUIRE(address_parse(printed, &same) == 0);
        address_format(&same, again);
        FUZZ_REQUIRE(strcmp(printed, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        FuzzInput input = {.bytes = bytes, .size = size};
        char text[TEXT_MAX + 1], pattern_text[TEXT_MAX + 1];
        AddressPattern pattern;
        const uint8_t *part;
        Address address;
        size_t length = fuzz_take_bytes(&input, TEXT_MAX, &part);

        memcpy(pattern_text, part, length);
        pattern_text[length] = '\0';
        length = input.size < TEXT_MAX ? input.size : TEXT_MAX;
        memcpy(text, input.bytes, length);
        text[length] = '\0';
        check_address(text);
        check_address(pattern_text);
        if (address_pattern_parse(pattern_text, &pattern) == 0 &&
            address_parse(text, &address) == 0)
                address_pattern_matches(&pattern, &address);
        return 0;
}
