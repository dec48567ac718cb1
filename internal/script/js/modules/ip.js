// The global ip: ip(address).in_range(range or ranges).
module.exports = address => ({
	in_range: ranges => internal.npm('range_check').inRange(address, ranges),
});
