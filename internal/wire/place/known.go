package place

import "strings"

// service is what a service's documentation says of where it takes credentials.
type service struct {
	// hosts are names; one that begins with a dot stands for all names under it.
	hosts []string
	// places are where the service takes a credential, beside Authorization.
	places []Place
	// batch are path segments of endpoints whose body holds requests of its own.
	batch []string
}

func headers(names ...string) (out []Place) { return places(Header, names) }

func queries(names ...string) (out []Place) { return places(Query, names) }

func fields(names ...string) (out []Place) { return places(Body, names) }

func places(kind Kind, names []string) (out []Place) {
	for _, name := range names {
		out = append(out, Place{kind, name})
	}
	return out
}

func both(a, b []Place) []Place { return append(a, b...) }

// services are known ones, from their public documentation. What is not here
// takes a stand-in in Authorization, or where its attachment says.
var services = []service{
	// Models.
	{hosts: []string{"api.anthropic.com", ".api.anthropic.com"}, places: headers("X-Api-Key")},
	{hosts: []string{".openai.azure.com", ".services.ai.azure.com", ".inference.ai.azure.com", ".cognitiveservices.azure.com", ".api.cognitive.microsoft.com"}, places: headers("Api-Key", "Ocp-Apim-Subscription-Key")},
	{hosts: []string{".googleapis.com", ".rep.googleapis.com"}, places: both(headers("X-Goog-Api-Key"), queries("key", "access_token")), batch: []string{"batch"}},
	{hosts: []string{"api.elevenlabs.io", ".api.elevenlabs.io"}, places: headers("Xi-Api-Key")},
	{hosts: []string{"api.reka.ai"}, places: headers("X-Api-Key")},
	{hosts: []string{".pinecone.io"}, places: headers("Api-Key")},
	// Search, and what agents read by.
	{hosts: []string{"api.search.brave.com"}, places: headers("X-Subscription-Token")},
	{hosts: []string{"api.exa.ai", "google.serper.dev", "api.apollo.io", "api.browserbase.com"}, places: headers("X-Api-Key", "X-Bb-Api-Key")},
	{hosts: []string{"api.tavily.com"}, places: fields("api_key")},
	{hosts: []string{"serpapi.com", "api.giphy.com", "api.themoviedb.org", "api.nasa.gov", "api.hunter.io", "api.scrapingbee.com"}, places: queries("api_key")},
	{hosts: []string{"newsapi.org"}, places: both(headers("X-Api-Key"), queries("apiKey"))},
	{hosts: []string{"api.openweathermap.org", "pro.openweathermap.org"}, places: queries("appid")},
	{hosts: []string{"api.weatherapi.com"}, places: queries("key")},
	{hosts: []string{"ipinfo.io"}, places: queries("token")},
	{hosts: []string{"finnhub.io"}, places: both(headers("X-Finnhub-Token"), queries("token"))},
	{hosts: []string{"api.polygon.io", "www.alphavantage.co"}, places: queries("apiKey", "apikey")},
	{hosts: []string{"api.mapbox.com"}, places: queries("access_token")},
	{hosts: []string{".p.rapidapi.com"}, places: headers("X-Rapidapi-Key")},
	{hosts: []string{".algolia.net", ".algolianet.com"}, places: both(headers("X-Algolia-Api-Key"), queries("x-algolia-api-key"))},
	// Work.
	{hosts: []string{"slack.com", ".slack.com"}, places: fields("token")},
	{hosts: []string{"api.telegram.org"}, places: []Place{{Path, "bot"}}},
	{hosts: []string{"api.pushover.net"}, places: fields("token", "user")},
	{hosts: []string{"graph.facebook.com", "graph.instagram.com", "graph.threads.net"}, places: both(queries("access_token"), fields("access_token"))},
	{hosts: []string{"graph.microsoft.com", "graph.microsoft.us"}, batch: []string{"$batch"}},
	{hosts: []string{"api.trello.com"}, places: queries("key", "token"), batch: []string{"batch"}},
	{hosts: []string{"api.pipedrive.com", ".pipedrive.com"}, places: both(headers("X-Api-Token"), queries("api_token"))},
	{hosts: []string{"api.figma.com"}, places: headers("X-Figma-Token")},
	{hosts: []string{"api.brevo.com"}, places: headers("Api-Key")},
	{hosts: []string{"api.postmarkapp.com"}, places: headers("X-Postmark-Server-Token", "X-Postmark-Account-Token")},
	{hosts: []string{".myshopify.com"}, places: headers("X-Shopify-Access-Token", "X-Shopify-Storefront-Access-Token", "Shopify-Storefront-Private-Token")},
	{hosts: []string{".salesforce.com"}, places: headers("X-Sfdc-Session"), batch: []string{"composite"}},
	// Operations.
	{hosts: []string{"gitlab.com"}, places: headers("Private-Token", "Job-Token", "Deploy-Token")},
	{hosts: []string{".datadoghq.com", ".datadoghq.eu", ".ddog-gov.com"}, places: headers("Dd-Api-Key", "Dd-Application-Key")},
	{hosts: []string{"api.newrelic.com", ".newrelic.com", ".nr-data.net"}, places: headers("Api-Key", "X-Api-Key", "X-License-Key", "X-Insert-Key")},
	{hosts: []string{"api.honeycomb.io"}, places: headers("X-Honeycomb-Team")},
	{hosts: []string{"api.cloudflare.com"}, places: headers("X-Auth-Key", "X-Auth-User-Service-Key")},
	{hosts: []string{"api.fastly.com"}, places: headers("Fastly-Key")},
	{hosts: []string{"circleci.com"}, places: headers("Circle-Token")},
	{hosts: []string{".supabase.co"}, places: headers("Apikey")},
	{hosts: []string{".plaid.com"}, places: both(headers("Plaid-Secret"), fields("secret"))},
	{hosts: []string{".bunnycdn.com", "api.bunny.net"}, places: headers("Accesskey")},
}

// Known are the places where a host's service takes credentials, beside
// [Authorization]; none of one that is not known.
func Known(host string) (out []Place) {
	for _, s := range of(host) {
		out = append(out, s.places...)
	}
	return out
}

func of(host string) (out []service) {
	for _, s := range services {
		for _, h := range s.hosts {
			if h == host || strings.HasPrefix(h, ".") && strings.HasSuffix(host, h) {
				out = append(out, s)
				break
			}
		}
	}
	return out
}

// Of are all the places where a stand-in of an attachment may stand at a host: those
// that it declares, the service's own, and Authorization.
func Of(declared []string, host string) Set {
	out := Set{Authorization}
	for _, text := range declared {
		if p, err := Parse(text); err == nil {
			out = append(out, p)
		}
	}
	return append(out, Known(host)...)
}
