libdaemon_la_SOURCES += \
	daemon/scrape/scrape_request.c \
	daemon/scrape/scrape_request.h \
	daemon/scrape/scrape_text.c \
	daemon/scrape/scrape_text.h \
	daemon/scrape/scrapes.c \
	daemon/scrape/scrapes.h
