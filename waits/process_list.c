/* What is not listed. See process_list.h. */
#include "waits/process_list.h"

#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool process_list_hides(void)
{
        FILE *mounts = setmntent("/proc/self/mounts", "re");
        const struct mntent *entry;
        bool hides = false;

        if (!mounts)
                return false;
        /* The last one there is the one that is seen. */
        while ((entry = getmntent(mounts))) {
                if (strcmp(entry->mnt_dir, "/proc") == 0)
                        hides = hasmntopt(entry, "hidepid") != NULL;
        }
        endmntent(mounts);
        return hides;
}

bool process_list_is_inner(void)
{
        /* The kernel's PROC_PID_INIT_INO. */
        static const char outermost[] = "pid:[4026531836]";
        char link[64];
        ssize_t n = readlink("/proc/self/ns/pid", link, sizeof(link) - 1);

        if (n <= 0)
                return false;
        link[n] = '\0';
        return strcmp(link, outermost) != 0;
}
