"""The end of the service, for whoever must not outlast it: answers that would stream for ever."""

import threading

#: Set as soon as the service is told to end: it still answers, but is not ready for more.
draining = threading.Event()
#: Set when it ends, before its connections are waited for.
stopping = threading.Event()
