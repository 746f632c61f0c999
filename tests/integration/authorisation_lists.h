/*
 * The rows of the authorisation matrix that ask what there is. Each returns as
 * authorisation_request_try() does.
 */
#pragma once

int authorisation_get_status(void);
int authorisation_get_metrics(void);
int authorisation_list_sessions(void);
int authorisation_list_owners_session(void);
int authorisation_list_registrations(void);
int authorisation_list_owners_registrations(void);
int authorisation_list_listeners(void);
int authorisation_list_groups(void);
int authorisation_list_holds(void);
/* And what is told of what happens. */
int authorisation_subscribe(void);
int authorisation_list_users(void);
int authorisation_list_policies(void);
