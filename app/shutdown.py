"""The end of the service, for whoever must not outlast it: answers that would stream for ever."""

import threading

#: Set as soon as the service is told to end, before its connections are waited for.
stopping = threading.Event()
