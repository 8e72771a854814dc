# Asks a Citrix License Server what it has and who uses it, and prints an answer
# for each source: "headroom-citrix-1 " and JSON on one line. docs/format/citrix.md
# describes it. Only commands that read are used: nothing is changed.
#
# It is written for Windows PowerShell 5.1, without types and methods that
# constrained language mode refuses.
param(
    [Parameter(Mandatory = $true)][string]$Ask,
    [string]$AdminAddress = 'https://localhost:8083',
    [string]$CertHash = '',
    [string]$From = '',
    [string]$To = ''
)

$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$WarningPreference = 'SilentlyContinue'

$language = [string]$ExecutionContext.SessionState.LanguageMode
if ($language -eq 'FullLanguage') {
    try { [Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false } catch { }
}
$snapIn = 'Citrix.Licensing.Admin.V1'
$absent = 'headroom: absent'
$epoch = [datetime]'1970-01-01'
$certificate = $CertHash
$about = $null

# Times as UTC. The SDK tells them without a zone and means the machine's.
function Instant($time) { return $time.ToUniversalTime().ToString('s') + 'Z' }
function Seconds($time) { return [long]($time.ToUniversalTime() - $epoch).TotalSeconds }

# The named properties of an object, as text.
function Row($object, $names) {
    $row = @{}
    foreach ($name in $names) {
        $value = $object.$name
        if ($null -eq $value) { continue }
        if ($value -is [datetime]) { $row[$name] = Instant $value } else { $row[$name] = [string]$value }
    }
    return $row
}

# All properties of an object, for an answer whose shape is not known.
function RowOfAll($object) {
    return Row $object @($object | Get-Member -MemberType Properties | ForEach-Object { $_.Name })
}

# Makes the command of the SDK available, or ends the reading of a source.
function Need($command) {
    if (Get-Command -Name $command -ErrorAction SilentlyContinue) { return }
    if (@(Get-PSSnapin -Registered -ErrorAction SilentlyContinue | Where-Object { $_.Name -eq $snapIn }).Count -gt 0) {
        Add-PSSnapin -Name $snapIn
        if (Get-Command -Name $command -ErrorAction SilentlyContinue) { return }
    }
    throw $absent
}

# The hash of the certificate that the license server has to show: the one that
# is pinned, else the one that it shows now.
function Certificate {
    if ($script:certificate -eq '') { $script:certificate = (Get-LicCertificate -AdminAddress $AdminAddress).CertHash }
    return $script:certificate
}

# Reads a source and prints its answer.
function Answer($source, $read) {
    $answer = @{ source = $source; language = $language; at = Instant (Get-Date) }
    $script:about = $null
    try {
        $answer['rows'] = @(& $read)
        if ($null -ne $script:about) { $answer['about'] = $script:about }
    } catch {
        $id = [string]$_.FullyQualifiedErrorId
        if ([string]$_ -eq $absent -or $id -match '0x8004100e|0x80041010') { # no such namespace, no such class
            $answer['absent'] = $true
        } else {
            $answer['error'] = [string]$_.Exception.Message
            $answer['error_id'] = $id
        }
    }
    'headroom-citrix-1 ' + (ConvertTo-Json -InputObject $answer -Depth 6 -Compress)
}

foreach ($source in $Ask.Split(',')) {
    switch ($source) {
        'wmi-pools' {
            Answer $source {
                Get-CimInstance -Namespace root/CitrixLicensing -ClassName Citrix_GT_License_Pool | ForEach-Object {
                    Row $_ @('PLD', 'PLDFullName', 'Count', 'InUseCount', 'PooledAvailable', 'Overdraft', 'LicenseType', 'SubscriptionDate')
                }
            }
        }
        'wmi-licenses' {
            Answer $source {
                Get-CimInstance -Namespace root/CitrixLicensing -ClassName Citrix_GT_License | ForEach-Object {
                    Row $_ @('PLD', 'SerialNumber', 'Count', 'LicenseType', 'SubscriptionDate', 'ExpirationDate')
                }
            }
        }
        'sdk-info' {
            Answer $source {
                Need 'Get-LicServerInfo'
                Get-LicServerInfo -AdminAddress $AdminAddress -CertHash (Certificate) | ForEach-Object { Row $_ @('SLVersion', 'WSLVersion', 'HostName') }
            }
        }
        'sdk-inventory' {
            Answer $source {
                Need 'Get-LicInventory'
                Get-LicInventory -AdminAddress $AdminAddress -CertHash (Certificate) | ForEach-Object { RowOfAll $_ }
            }
        }
        'sdk-las' {
            Answer $source {
                Need 'Get-LicLasInventory'
                Get-LicLasInventory -AdminAddress $AdminAddress -CertHash (Certificate) | ForEach-Object { RowOfAll $_ }
            }
        }
        'sdk-usage' {
            Answer $source {
                Need 'Get-LicUsageDetails'
                $codes = Get-LicInventory -AdminAddress $AdminAddress -CertHash (Certificate) |
                    Where-Object { $_.LicenseModel -eq 'UD' } |
                    ForEach-Object { $_.LicenseProductName + '_' + $_.LicenseEdition + '_UD' } |
                    Select-Object -Unique
                foreach ($code in $codes) {
                    Get-LicUsageDetails -AdminAddress $AdminAddress -CertHash (Certificate) -ProductEditionModel $code | ForEach-Object {
                        Row $_ @('PEM', 'SADate', 'LicenseModelType', 'Name')
                    }
                }
            }
        }
        'sdk-sampling' {
            Answer $source {
                Need 'Get-LicConfigUsageSamples'
                Get-LicConfigUsageSamples -AdminAddress $AdminAddress -CertHash (Certificate) | ForEach-Object {
                    Row $_ @('Enabled', 'PollingInterval', 'RetentionPeriod')
                }
            }
        }
        'sdk-history' {
            Answer $source {
                Need 'Get-LicHistoricalUsage'
                $history = Get-LicHistoricalUsage -AdminAddress $AdminAddress -CertHash (Certificate) -SADate '2000.0101' -StartDate ([datetime]$From) -EndDate ([datetime]$To)
                $script:about = Row $history @('LSVersion', 'EarliestDateOfSample', 'MostRecentDateOfSample')
                foreach ($use in $history.LicPoolUsage) {
                    $row = Row $use.LicPool @('ProductEditionModel', 'CustomerSuccessServicesDate', 'SubscriptionAdvantageDate', 'LicenseType', 'TotalLicensesIncludingOverDraft', 'OverdraftLicenses')
                    $row['at'] = @($use.UsgSampleList | ForEach-Object { Seconds $_.Datetime })
                    $row['count'] = @($use.UsgSampleList | ForEach-Object { [long]$_.Count })
                    $row
                }
            }
        }
    }
}
