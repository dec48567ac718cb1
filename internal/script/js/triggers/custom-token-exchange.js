// custom-token-exchange: extensibility fact sheet 3.9.
'use strict';

const create = ['create_if_not_exists', 'none'], update = ['replace', 'none'];
const texts = ['user_id', 'email', 'username', 'phone_number', 'name', 'nickname', 'given_name', 'family_name', 'picture'];
const flags = ['email_verified', 'phone_verified', 'verify_email'];

exports.api = function (t) {
	const one = call => {
		if (t.answered('user') || t.answered('connection')) throw new Error('api.authentication.' + call + ': the user was set before');
	};
	const idOf = (value, call) => {
		if (typeof value !== 'string' || value === '') throw new TypeError('api.authentication.' + call + ' needs a text');
		return value;
	};
	return {
		access: {
			deny: (code, reason) => t.deny(String(code), reason),
			rejectInvalidSubjectToken(reason) {
				t.answer('invalid_subject_token', true);
				t.deny('invalid_request', reason);
			},
		},
		authentication: {
			setUserById(id) {
				one('setUserById');
				t.answer('user', idOf(id, 'setUserById'));
			},
			setUserByConnection(connection, attributes, options) {
				one('setUserByConnection');
				const given = attributes || {}, {creationBehavior = 'create_if_not_exists', updateBehavior = 'replace'} = options || {};
				if (!create.includes(creationBehavior) || !update.includes(updateBehavior)) throw new TypeError('api.authentication.setUserByConnection does not know this behavior');
				const kept = {};
				for (const name of texts) if (given[name] !== undefined && given[name] !== null) kept[name] = String(given[name]);
				for (const name of flags) if (given[name] !== undefined && given[name] !== null) kept[name] = Boolean(given[name]);
				idOf(kept.user_id, 'setUserByConnection: attributes.user_id');
				t.answer('connection', {
					connection: idOf(connection, 'setUserByConnection'), attributes: kept, create: creationBehavior !== 'none', update: updateBehavior === 'replace',
				});
			},
			setOrganization: id => t.answer('organization', idOf(id, 'setOrganization')),
			setActor(actor) {
				let depth = 0;
				for (let a = actor; a !== undefined; a = a.act) {
					if (a === null || typeof a !== 'object' || typeof a.sub !== 'string' || a.sub === '') throw new TypeError('api.authentication.setActor needs an object with sub');
					if (++depth > 5) throw new TypeError('api.authentication.setActor: a chain of more than five');
				}
				if (depth === 0) throw new TypeError('api.authentication.setActor needs an object with sub');
				t.answer('actor', actor);
			},
		},
		user: {setUserMetadata: t.metadata('user'), setAppMetadata: t.metadata('app')},
	};
};
