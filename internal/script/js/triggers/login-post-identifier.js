// login-post-identifier: api.authentication.setConnectionByName is all that is known of it.
'use strict';

exports.api = require('post-identifier');
