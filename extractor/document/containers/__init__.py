"""Files that hold files: archives and mail, walked safely into sources of their own."""
