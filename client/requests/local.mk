libclient_la_SOURCES += \
	client/requests/arrival.c \
	client/requests/arrival.h \
	client/requests/claim.c \
	client/requests/claim.h \
	client/requests/endpoint.c \
	client/requests/endpoint.h \
	client/requests/endpoint_address.c \
	client/requests/endpoint_address.h \
	client/requests/holding.c \
	client/requests/holding.h \
	client/requests/listener_options.c \
	client/requests/listener_options.h \
	client/requests/offer.c \
	client/requests/offer.h \
	client/requests/passed_stream.c \
	client/requests/passed_stream.h \
	client/requests/request.c \
	client/requests/request.h \
	client/requests/request_flush.c \
	client/requests/request_flush.h \
	client/requests/sealed_note.c \
	client/requests/sealed_note.h \
	client/requests/taken_listener.c \
	client/requests/taken_listener.h
