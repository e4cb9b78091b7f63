"""What `copbridge doctor` finds out about a site: checks in order, findings as codes and parameters."""
