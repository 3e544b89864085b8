/* SPDX-License-Identifier: MIT */
#include "ctl/property.h"

#include <stddef.h>
#include <strings.h>

const Property task_properties[] = {
        { "Id",                 CELL_NUMBER,  "Task" },
        { "Name",               CELL_TEXT,    "Task", .shrinks = true },
        { "Label",              CELL_TEXT,    "Task", .shrinks = true },
        { "Type",               CELL_TEXT,    "Task" },
        { "DisplayType",        CELL_TEXT,    "Task", "DISPLAY TYPE", .shrinks = true },
        { "Description",        CELL_TEXT,    "Task", .shrinks = true },
        { "Namespace",          CELL_TEXT,    "Task" },
        { "Owner",              CELL_TEXT,    "Task" },
        { "OwnerUID",           CELL_NUMBER,  "Task", "OWNER UID" },
        { "User",               CELL_TEXT,    "Task" },
        { "Accessible",         CELL_TEXT,    "Task" },
        { "Command",            CELL_WORDS,   "Task", .shrinks = true },
        { "Parameters",         CELL_TEXT,    "Task", .shrinks = true },
        { "Priority",           CELL_NUMBER,  "Task" },

        { "Phase",              CELL_STATE,   "State", "STATE" },
        { "RunningState",       CELL_STATE,   "State", "RUNNING STATE" },
        { "Status",             CELL_STATE,   "State" },
        { "List",               CELL_TEXT,    "State" },
        { "TaskmanStatus",      CELL_TEXT,    "State", "TASKMAN STATUS" },
        { "StatusMessage",      CELL_TEXT,    "State", "MESSAGE", .shrinks = true },
        { "WaitingFor",         CELL_TEXT,    "State", "WAITING FOR", .shrinks = true },
        { "Request",            CELL_NUMBER,  "State" },
        { "PauseIsAvailable",   CELL_TEXT,    "State", "CAN PAUSE" },
        { "ResumeIsAvailable",  CELL_TEXT,    "State", "CAN RESUME" },
        { "CancelIsAvailable",  CELL_TEXT,    "State", "CAN CANCEL" },
        { "HasEnded",           CELL_TEXT,    "State", "HAS ENDED" },
        { "Paused",             CELL_TEXT,    "State" },
        { "Pending",            CELL_TEXT,    "State" },
        { "InProcess",          CELL_TEXT,    "State", "IN PROCESS" },
        { "Finished",           CELL_TEXT,    "State" },
        { "Succeeded",          CELL_TEXT,    "State" },
        { "Failed",             CELL_TEXT,    "State" },
        { "Ready",              CELL_TEXT,    "State" },
        { "NamespacePaused",    CELL_TEXT,    "State", "NAMESPACE PAUSED" },
        { "PID",                CELL_NUMBER,  "State" },
        { "JobIdentity",        CELL_TEXT,    "State", "JOB IDENTITY", .shrinks = true },
        { "ExternalState",      CELL_TEXT,    "State", "EXTERNAL STATE", .shrinks = true },

        { "Progress",           CELL_BAR,     "Progress", .needs = "ProgressTotal" },
        { "ProgressLine",       CELL_TEXT,    "Progress", "AMOUNT" },
        { "ProgressCurrent",    CELL_NUMBER,  "Progress", "CURRENT" },
        { "ProgressTotal",      CELL_NUMBER,  "Progress", "TOTAL" },
        { "ProgressUnits",      CELL_TEXT,    "Progress", "UNITS" },
        { "ProgressDetails",    CELL_TEXT,    "Progress", "DETAILS", .shrinks = true },
        { "ProgressTime",       CELL_TIME,    "Progress", "REPORTED" },
        { "Rate",               CELL_RATE,    "Progress" },
        { "ETA",                CELL_TIME,    "Progress" },

        { "SnapshotTime",       CELL_TIME,    "Times", "LOOKED AT" },
        { "CreateTime",         CELL_TIME,    "Times", "CREATED" },
        { "UnlockTime",         CELL_TIME,    "Times", "UNLOCKED" },
        { "StartTime",          CELL_TIME,    "Times", "STARTED" },
        { "FinishTime",         CELL_TIME,    "Times", "FINISHED" },
        { "RunTime",            CELL_SPAN,    "Times", "RUN TIME" },
        { "PausedTime",         CELL_SPAN,    "Times", "PAUSED TIME" },
        { "TimeoutSec",         CELL_SECONDS,   "Times", "TIMEOUT" },

        { "FinalStatus",        CELL_TEXT,    "End", "FINAL STATUS", .shrinks = true },
        { "ExitCode",           CELL_NUMBER,  "End", "EXIT CODE" },
        { "Signal",             CELL_NUMBER,  "End" },
        { "Error",              CELL_TEXT,    "End", .shrinks = true },
        { "Result",             CELL_TEXT,    "End", .shrinks = true },
        { "LeftProcesses",      CELL_NUMBER,  "End", "LEFT PROCESSES" },

        { "CPUTime",            CELL_SPAN,    "Usage", "CPU TIME" },
        { "MemoryPeak",         CELL_BYTES,   "Usage", "MEMORY PEAK" },
        { "IORead",             CELL_BYTES,   "Usage", "READ" },
        { "IOWrite",            CELL_BYTES,   "Usage", "WRITTEN" },
        { "TasksPeak",          CELL_NUMBER,  "Usage", "TASKS PEAK" },

        { "CurrentAttempt",     CELL_NUMBER,  "Attempts", "ATTEMPT" },
        { "FailAttempts",       CELL_NUMBER,  "Attempts", "FAIL ATTEMPTS" },
        { "FailWaitSeconds",    CELL_SECONDS, "Attempts", "FAIL WAIT" },
        { "FailWaitMultiplier", CELL_NUMBER,  "Attempts", "FAIL WAIT MULTIPLIER" },
        { "MaxResults",         CELL_NUMBER,  "Attempts", "MAX RESULTS" },
        { "Simulate",           CELL_TEXT,    "Attempts" },
        { "Deferred",           CELL_TEXT,    "Attempts" },

        { "Display",            CELL_TEXT,    "Display", .shrinks = true },
        {}
};

const Property *property_find(const char *name) {
        for (const Property *p = task_properties; p->name; p++)
                if (strcasecmp(p->name, name) == 0)
                        return p;
        return NULL;
}

bool property_is_time(const char *name) {
        const Property *property = property_find(name);

        return property && (property->kind == CELL_TIME || property->kind == CELL_AGE);
}
