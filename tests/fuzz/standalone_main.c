/*
 * Runs one fuzzer over the files, and the files in the folders, that are named: without libFuzzer,
 * for the corpus as a test and for looking into a finding with a debugger.
 */
#include "tests/fuzz/input.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { INPUT_MAX = 1 << 20 };

static unsigned long count;

static void run_file(const char *path)
{
        static uint8_t bytes[INPUT_MAX];
        FILE *file = fopen(path, "rb");
        size_t size;

        if (!file) {
                fprintf(stderr, "%s cannot be opened\n", path);
                exit(1);
        }
        size = fread(bytes, 1, sizeof(bytes), file);
        fclose(file);
        if (getenv("KYRON_FUZZ_NAMES"))
                fprintf(stderr, "%s\n", path);
        LLVMFuzzerTestOneInput(bytes, size);
        count++;
}

static void run_folder(const char *path)
{
        DIR *folder = opendir(path);
        struct dirent *entry;
        char name[4096];

        if (!folder) {
                fprintf(stderr, "%s cannot be opened\n", path);
                exit(1);
        }
        while ((entry = readdir(folder))) {
                if (entry->d_name[0] == '.')
                        continue;
                if (snprintf(name, sizeof(name), "%s/%s", path, entry->d_name) < (int)sizeof(name))
                        run_file(name);
        }
        closedir(folder);
}

int main(int argc, char **argv)
{
        struct stat status;

        for (int i = 1; i < argc; i++) {
                if (stat(argv[i], &status) == 0 && S_ISDIR(status.st_mode))
                        run_folder(argv[i]);
                else
                        run_file(argv[i]);
        }
        printf("%lu inputs\n", count);
        return count > 0 ? 0 : 1;
}
