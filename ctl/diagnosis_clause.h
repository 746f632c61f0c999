/* Diagnoses in short, as parts of a sentence about something else. */
#pragma once

#include "ctl/diagnosis_text.h"

/* "has been stopped by a signal for at least 1.0 s" */
const char *diagnosis_clause(const Diagnosis *diagnosis, char buffer[static DIAGNOSIS_TEXT_MAX]);
