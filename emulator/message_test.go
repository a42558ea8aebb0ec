package emulator_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

func TestFunctionsAnswerInFull(t *testing.T) {
	s := emulator.Start(t)
	const context = `{"@odata.context":"http://org/api/data/v9.2/$metadata#Microsoft.Dynamics.CRM.`
	for _, test := range []struct{ path, want string }{
		{"RetrieveVersion", context + `RetrieveVersionResponse","Version":"9.2.24061.00170"}`},
		{"RetrieveProvisionedLanguages", context + `RetrieveProvisionedLanguagesResponse","RetrieveProvisionedLanguages":[1033]}`},
		{"RetrieveAvailableLanguages()", context + `RetrieveAvailableLanguagesResponse","LocaleIds":[1033]}`},
		{"RetrieveVersion()", context + `RetrieveVersionResponse","Version":"9.2.24061.00170"}`},
		{"RetrieveTotalRecordCount(EntityNames=@p1)?@p1=[\"organization\",\"account\"]", context +
			`RetrieveTotalRecordCountResponse","EntityRecordCountCollection":{"Count":2,"IsReadOnly":false,"Keys":["organization","account"],"Values":[1,0]}}`},
		{"RetrieveTotalRecordCount(EntityNames=['account'])", context +
			`RetrieveTotalRecordCountResponse","EntityRecordCountCollection":{"Count":1,"IsReadOnly":false,"Keys":["account"],"Values":[0]}}`},
		{"RetrieveCurrentOrganization(AccessType=Microsoft.Dynamics.CRM.EndpointAccessType'Default')", context +
			`RetrieveCurrentOrganizationResponse","Detail":{"OrganizationId":"a3d5c7e1-1b24-4f68-9a0c-6e8f2b4d7013","FriendlyName":"contoso","OrganizationVersion":"9.2.24061.00170",` +
			`"EnvironmentId":"7b1e9f30-52c8-4d6a-8e47-0c3fa1d2b596","DatacenterId":"00000000-0000-0000-0000-000000000000","Geo":"EMEA","TenantId":"4f8c2b61-7d0e-4a35-9c1b-2e6d5a90b7c4",` +
			`"UrlName":"contoso","UniqueName":"contoso","State":"Enabled","SchemaType":"Full","OrganizationType":"Customer","Endpoints":{"Count":3,"IsReadOnly":false,` +
			`"Keys":["WebApplication","OrganizationService","OrganizationDataService"],"Values":["http://org/","http://org/XRMServices/2011/Organization.svc","http://org/XRMServices/2011/OrganizationData.svc"]}}}`},
	} {
		got := get(t, s, test.path)
		if diff := cmp.Diff(test.want, got.body); got.status != http.StatusOK || diff != "" {
			t.Errorf("%s: status %d (-want +got):\n%s", test.path, got.status, diff)
		}
	}
}

func TestAWrongCallOfAFunctionIsRefused(t *testing.T) {
	s := emulator.Start(t)
	for _, test := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"POST", "WhoAmI", 405, `{"error":{"code":"0x80040315","message":"The requested resource does not support http method 'POST'."}}`},
		{"GET", "WhoAreYou", 404, `{"error":{"code":"0x8006088a","message":"Resource not found for the segment 'WhoAreYou'."}}`},
		{"GET", "WhoAmI/UserId", 404, `{"error":{"code":"0x8006088a","message":"Resource not found for the segment 'UserId'."}}`},
		{"GET", "RetrieveTotalRecordCount", 404, `{"error":{"code":"0x8006088a","message":"Resource not found for the segment 'RetrieveTotalRecordCount'."}}`},
		{"GET", "RetrieveTotalRecordCount(Names=@p)", 404, `{"error":{"code":"0x8006088a","message":"Resource not found for the segment 'RetrieveTotalRecordCount'."}}`},
		{"GET", "RetrieveTotalRecordCount(EntityNames=@p)", 400, `{"error":{"code":"0x80040203","message":"Required field 'EntityNames' is missing"}}`},
		{"GET", "RetrieveTotalRecordCount(EntityNames=@p)?@p='account'", 400, `{"error":{"code":"0x80060888","message":"The argument 'EntityNames' is not a Collection(Edm.String): 'account'"}}`},
		{"GET", "RetrieveTotalRecordCount(EntityNames=@p)?@p=['house']", 400, `{"error":{"code":"0x80041102","message":"The entity with a name = 'house' with namemapping = 'Logical' was not found in the MetadataCache."}}`},
	} {
		got := send(t, s, test.method, test.path, "")
		if got.status != test.status || got.body != test.want {
			t.Errorf("%s %s: got %d %s\nwant %d %s", test.method, test.path, got.status, got.body, test.status, test.want)
		}
	}
}

func TestTheMetadataDeclaresHowAMessageIsCalled(t *testing.T) {
	s := emulator.Start(t)
	document := get(t, s, "$metadata").body
	for _, want := range []string{
		`<Action Name="QualifyLead" IsBound="true"><Parameter Name="entity" Type="mscrm.lead" Nullable="false" /><Parameter Name="CreateAccount" Type="Edm.Boolean" Nullable="false" />`,
		`<Parameter Name="OpportunityCurrencyId" Type="mscrm.transactioncurrency" />`,
		`<ReturnType Type="Collection(mscrm.crmbaseentity)" Nullable="false" /></Action>`,
		`<Action Name="WinOpportunity"><Parameter Name="OpportunityClose" Type="mscrm.opportunityclose" Nullable="false" /><Parameter Name="Status" Type="Edm.Int32" Nullable="false" /></Action>`,
		`<Action Name="FulfillSalesOrder" IsBound="true"><Parameter Name="entityset" Type="Collection(mscrm.salesorder)" Nullable="false" />`,
		`<Function Name="RetrievePrincipalAccess" IsBound="true"><Parameter Name="entity" Type="mscrm.systemuser" Nullable="false" />`,
		`<Function Name="RetrievePrincipalAccess" IsBound="true"><Parameter Name="entity" Type="mscrm.team" Nullable="false" />`,
		`<ActionImport Name="WinOpportunity" Action="Microsoft.Dynamics.CRM.WinOpportunity" />`,
		`<FunctionImport Name="InitializeFrom" Function="Microsoft.Dynamics.CRM.InitializeFrom" />`,
	} {
		if !strings.Contains(document, want) {
			t.Errorf("$metadata has no %s", want)
		}
	}
	if strings.Contains(document, `ActionImport Name="QualifyLead"`) {
		t.Error("$metadata imports a bound action")
	}
}
