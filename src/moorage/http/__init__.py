"""The front ends, one per protocol, behind one listener."""
