// custom-phone-provider: extensibility fact sheet 3.9.
'use strict';

exports.api = t => ({notification: require('notification')(t)});
