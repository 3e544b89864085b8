/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Names on the bus
 */

#define BUS_NAME "org.bgt1"
#define BUS_PATH "/org/bgt1"
#define BUS_TASK_PATH_PREFIX "/org/bgt1/task/_"
#define BUS_MANAGER_INTERFACE "org.bgt1.Manager"
#define BUS_TASK_INTERFACE "org.bgt1.Task"
#define BUS_ERROR_PREFIX "org.bgt1.Error."

/*
 * The errors: name after the prefix, and bgtctl's exit status. One table for
 * both sides, in bus-names.c.
 */
typedef enum BusError {
        BUS_ERROR_FAILED,               /* 1: anything else */
        BUS_ERROR_NO_SUCH_TASK,         /* 3 */
        BUS_ERROR_NO_SUCH_TYPE,         /* 3 */
        BUS_ERROR_NOT_AVAILABLE,        /* 4: not possible in this state */
        BUS_ERROR_ACCESS_DENIED,        /* 5 */
        BUS_ERROR_TIMED_OUT,            /* 6 */
        BUS_ERROR_QUEUE_FULL,           /* 7: queue full or limit reached */
        BUS_ERROR_INVALID_PARAMETER,    /* 8 */
        BUS_ERROR_INVALID_OPTION,       /* 8 */
        BUS_ERROR_NOT_RUNNABLE,         /* 9 */
        BUS_ERROR_NO_CONTROLLER,        /* 1: a limit asked for that this machine cannot set */
        BUS_ERROR_STORE,                /* 1: the store did not take it */
        _BUS_ERROR_MAX,
} BusError;

/* `org.bgt1.Error.NoSuchTask`. */
const char *bus_error_name(BusError error);

/* bgtctl's exit status for the error of this name: 1 for one that is not in the table. */
int bus_error_exit_status(const char *name);
