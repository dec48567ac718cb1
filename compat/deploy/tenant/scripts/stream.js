exports.onExecuteEventStream = async (event, api) => {};
