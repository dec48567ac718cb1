// signup-post-identifier: api.authentication.setConnectionByName as login-post-identifier has it.
'use strict';

exports.api = require('post-identifier');
