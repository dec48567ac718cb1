// event-stream: extensibility fact sheet 3.9. It can ask for nothing but the cache; the event has a message and secrets.
'use strict';

exports.api = () => ({});
