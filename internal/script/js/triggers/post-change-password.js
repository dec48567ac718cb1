// post-change-password: nobody waits for it, and it can ask for nothing but the cache.
'use strict';

exports.api = () => ({});
