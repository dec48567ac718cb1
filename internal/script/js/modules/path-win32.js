// Scripts have no files: there is nothing that has a Windows path.
throw new Error('path.win32 is not available to scripts');
