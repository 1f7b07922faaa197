package top

// helpText is the page of keys, at most 60 columns wide.
const helpText = `Move
  up down j k          choose a row        g G  first, last
  pgup pgdown space    half a window
  tab, 1 2 3 4         Services, Sources, Attacks, In force
  enter                its sources, its story, or why
  w                    why the address is treated as it is

Arrange
  s                    sort by the next figure
  /                    show only what matches: a part of an
                       address, a prefix as 203.0.113.0/24,
                       a service, a state, or several words
  esc                  show all again
  p                    pause, and go on

Act (root only; each asks first and says for how long)
  b block    u unblock    e exempt    m mode
  in a question: y yes, n no, t another time, a all services

SERVED   yes     clients get into the accept queue
         waits   it is half full
         PARTLY  one of several queues is full
         NO      all are: the kernel drops who comes
         FULL    the service holds its capacity
         ?       no listener of this host belongs to it
NEW/S    new connections a second, counted on suspicion
SYN/S    likewise by the SYN meter, forged ones included
-        not counted now, or none

q, ctrl-c quit; ctrl-z stops, fg comes back.`
