/* The workers of a listener and their connections. See group.h. */
#include "daemon/listen/group.h"

#include "daemon/listen/listeners.h"

void group_changed(Group *group)
{
        later_wake(&group->listeners->loop->later, &group->place);
}
