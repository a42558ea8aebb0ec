package emulator

import (
	"context"
	"net/http"
	"strings"
)

// executeWorkflow makes the job that the service would make. No step of the workflow runs.
var executeWorkflow = message{
	name:       "ExecuteWorkflow",
	action:     true,
	bound:      "workflow",
	parameters: []parameter{{name: "EntityId", kind: "Edm.Guid"}}, // of a row of the workflow's table
	result:     "asyncoperation",
	act: func(ctx context.Context, a *acting) error {
		workflow, err := a.stands(ctx, a.bound)
		if err != nil {
			return err
		}
		switch {
		case workflow["statecode"] != int64(1):
			return fail(http.StatusBadRequest, "0x80045047", "The workflow must be published before it can be executed.")
		case workflow["ondemand"] != int64(1):
			return fail(http.StatusBadRequest, "0x80045046", "The workflow is not enabled to run on demand.")
		}
		name, _ := workflow["name"].(string)
		table, _ := workflow["primaryentity"].(string)
		t := a.schema.Table(table)
		if t == nil {
			return noSuchTable(table)
		}
		row := strings.ToLower(a.text("EntityId"))
		if _, err := load(ctx, a.tx, t, row); err != nil {
			return err
		}
		job := map[string]any{"name": name, "operationtype": int64(operationWorkflow), "messagename": "ExecuteWorkflow"}
		lookup(job, a.schema.Table("asyncoperation"), "regardingobjectid", row, table)
		return a.answerJob(ctx, job)
	},
}

// The operationtype of jobs.
const (
	operationPublishRule = 7
	operationWorkflow    = 10
)

// answerJob answers with a job that is over: no job waits in the emulator.
func (a *acting) answerJob(ctx context.Context, values map[string]any) error {
	t := a.schema.Table("asyncoperation")
	id, err := a.add(ctx, t, values)
	if err != nil {
		return err
	}
	job := location{table: t, id: id}
	err = a.change(ctx, job, map[string]any{"statecode": int64(jobCompleted), "statuscode": int64(jobSucceeded), "completedon": a.at.Format(storedTime)})
	if err != nil {
		return err
	}
	return a.answerRow(ctx, job)
}
