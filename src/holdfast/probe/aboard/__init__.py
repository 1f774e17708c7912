"""The probe's observers, in the processes of the server."""
