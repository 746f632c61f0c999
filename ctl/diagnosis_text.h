/* Diagnoses as words, sentences and JSON. All text is printable. */
#pragma once

#include "waits/diagnosis.h"

#include <jansson.h>

enum { DIAGNOSIS_TEXT_MAX = 600 };

/* For a column, at most eight letters. */
const char *diagnosis_text_word(DiagnosisKind kind);
/* As JSON and metrics have it. */
const char *diagnosis_text_name(DiagnosisKind kind);
const char *diagnosis_text_loop(LoopState state);

/* A sentence with the evidence, about the process with this number; without an end. */
const char *diagnosis_text_sentence(const Diagnosis *diagnosis, pid_t pid,
                                    char buffer[static DIAGNOSIS_TEXT_MAX]);
json_t *diagnosis_text_object(const Diagnosis *diagnosis, pid_t pid);
