// api.notification of the triggers that deliver messages: the last call counts.
'use strict';

const maxReason = 1024;

module.exports = t => {
	const say = (name, other) => reason => {
		t.answer(other, undefined);
		t.answer(name, String(reason === undefined ? '' : reason).slice(0, maxReason));
	};
	return {drop: say('drop', 'retry'), retry: say('retry', 'drop')};
};
