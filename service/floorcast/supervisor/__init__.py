"""What `floorcast up` does to the processes of a Procfile: start, prefix their output, restart, stop."""

from floorcast.supervisor.procfile import Program, find_procfile, read_procfile
from floorcast.supervisor.supervisor import STOP_PATIENCE, Supervisor

__all__ = ["STOP_PATIENCE", "Program", "Supervisor", "find_procfile", "read_procfile"]
