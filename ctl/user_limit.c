/* A user's limits. See user_limit.h. */
#include "ctl/user_limit.h"

#include "ctl/output.h"

bool user_limit_is_none(const Iod__UserLimit *limit)
{
        return limit->max >= UINT32_MAX;
}

static json_t *limit_object(const Iod__UserLimit *limit)
{
        json_t *object = json_object();

        output_add_text(&object, "name", limit->name);
        output_add_number(&object, "used", limit->used);
        if (user_limit_is_none(limit))
                output_add(&object, "max", json_null());
        else
                output_add_number(&object, "max", limit->max);
        output_add(&object, "out", json_boolean(limit->out));
        return object;
}

json_t *user_limit_array(const Iod__UserEntry *entry)
{
        json_t *array = json_array();

        for (size_t i = 0; i < entry->n_limit && array; i++) {
                if (json_array_append_new(array, limit_object(entry->limit[i])) < 0) {
                        json_decref(array);
                        array = NULL;
                }
        }
        return array;
}
