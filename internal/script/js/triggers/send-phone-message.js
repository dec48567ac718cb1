// send-phone-message: the script sends the message or throws; what a hook calls back with does not matter.
'use strict';

exports.api = () => ({});
