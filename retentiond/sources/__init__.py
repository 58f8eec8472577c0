"""What other sources than recorders know of devices: the devices themselves, over the network."""
